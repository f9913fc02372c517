"""Reviewed rows of fact (value, source, date of reading) and the loader that gives them types."""

from compatbuild.knowledge.loader import load
from compatbuild.knowledge.subjects import Knowledge

__all__ = ["Knowledge", "load"]
