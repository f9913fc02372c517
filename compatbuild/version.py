"""The version of compatbuild, read by the build backend and by every artifact the tool writes."""

__version__ = "0.1.0"

REPOSITORY = "https://github.com/compatbuild/compatbuild"
"""Where the project lives: what links to its pages and schemas starts with this, and nothing else names it."""
DOCS = f"{REPOSITORY}/blob/main/docs"
SCHEMAS = "https://raw.githubusercontent.com/compatbuild/compatbuild/main/schemas"
