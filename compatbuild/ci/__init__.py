"""Surfaces for CI systems."""
