"""JSON schemas of the files an author writes, made from the models, for editors and other tools.

``schemas/`` holds the result; a test compares it and says how to write it anew.
"""

from typing import Any

from pydantic import BaseModel

from compatbuild.refine.document import RequirementsDocument
from compatbuild.refine.settings import SCHEMA_BASE, SettingsFile
from compatbuild.version import SCHEMAS

_MODELS: dict[str, tuple[type[BaseModel], str]] = {
    "compat-requirements-v1.schema.json": (RequirementsDocument, "What an image needs of its host (compatbuild/v1)"),
    "compatbuild-settings-v1.schema.json": (SettingsFile, "Settings of compatbuild (.compatbuild.yaml)"),
}

_CATALOGUE: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        "compatbuild settings",
        "Settings of compatbuild for a project",
        "compatbuild-settings-v1.schema.json",
        (".compatbuild.yaml",),
    ),
    (
        "compatbuild requirements",
        "What an image needs of its host, as its author writes it",
        "compat-requirements-v1.schema.json",
        ("compat-requirements.yaml", "*.compat-requirements.yaml"),
    ),
    (
        "NFD image compatibility",
        "What an image needs of its host, as Node Feature Discovery reads it (v1alpha1)",
        "nfd-image-compatibility-v1alpha1.schema.json",
        ("compat.yaml", "*.compat.yaml"),
    ),
    (
        "compatbuild profile",
        "What is known of the hosts of an operating system release",
        "compatbuild-profile-v1.schema.json",
        ("*.compat-profile.yaml",),
    ),
)
"""Of each schema: its name, what it describes, its file, and the names of files that it is for."""


def schema_url(name: str) -> str:
    """Return where an editor gets a schema."""
    return f"{SCHEMAS}/{name}"


def catalogue() -> dict[str, Any]:
    """Return the catalogue of our schemas in the form of https://www.schemastore.org, which editors read."""
    return {
        "$schema": "https://json.schemastore.org/schema-catalog.json",
        "version": 1,
        "schemas": [
            {"name": name, "description": text, "fileMatch": list(files), "url": schema_url(file)}
            for name, text, file, files in _CATALOGUE
        ],
    }


def schema_documents() -> dict[str, dict[str, Any]]:
    """Return the schemas by file name (draft 2020-12)."""
    return {
        name: {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": SCHEMA_BASE + name,
            **model.model_json_schema(),
            "title": title,
        }
        for name, (model, title) in _MODELS.items()
    }
