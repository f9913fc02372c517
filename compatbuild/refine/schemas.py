"""JSON schemas of the files an author writes, made from the models, for editors and other tools.

``schemas/`` holds the result; a test compares it and says how to write it anew.
"""

from typing import Any

from pydantic import BaseModel

from compatbuild.refine.document import RequirementsDocument
from compatbuild.refine.settings import SCHEMA_BASE, SettingsFile

_MODELS: dict[str, tuple[type[BaseModel], str]] = {
    "compat-requirements-v1.schema.json": (RequirementsDocument, "What an image needs of its host (compatbuild/v1)"),
    "compatbuild-settings-v1.schema.json": (SettingsFile, "Settings of compatbuild (.compatbuild.yaml)"),
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
