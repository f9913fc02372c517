"""Strict validation of specifications: the JSON schema, then semantic rules, all problems at once with their places."""

from compatbuild.validation.issue import Issue, Severity
from compatbuild.validation.validate import validate

__all__ = ["Issue", "Severity", "validate"]
