"""Strict validation of specifications: JSON schema, then semantic rules with line and column."""
