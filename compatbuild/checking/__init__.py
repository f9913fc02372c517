"""Specification against host facts."""
