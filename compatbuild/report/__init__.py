"""Renderings of results: table, JSON, YAML, markdown."""
