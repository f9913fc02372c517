"""Write the JSON schemas that are made from models: ``python -m tests.golden.schemas``."""

import json
from pathlib import Path

from compatbuild.refine.schemas import catalogue, schema_documents

DIRECTORY = Path(__file__).parents[2] / "schemas"


def texts() -> dict[Path, str]:
    """Return what each schema file must hold."""
    return {
        DIRECTORY / name: json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        for name, document in {**schema_documents(), "catalog.json": catalogue()}.items()
    }


if __name__ == "__main__":
    for path, text in texts().items():
        path.write_text(text, encoding="utf-8")
