"""Specifications as Kubernetes objects."""
