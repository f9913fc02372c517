"""Editors find the schemas of the files that an author writes."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path

import jsonschema
import yaml

from compatbuild.refine.init import init
from tests.golden.schemas import DIRECTORY

CATALOGUE = json.loads((DIRECTORY / "catalog.json").read_text("utf-8"))


def schema_for(name: str) -> Path:
    """Return the schema that an editor takes for a file."""
    (found,) = [one for one in CATALOGUE["schemas"] if any(fnmatch(name, glob) for glob in one["fileMatch"])]
    return DIRECTORY / str(found["url"]).rpartition("/")[2]


def test_the_catalogue_has_every_schema_once() -> None:
    listed = sorted(one["url"].rpartition("/")[2] for one in CATALOGUE["schemas"])
    assert listed == sorted(path.name for path in DIRECTORY.glob("*.schema.json"))
    assert all(one["url"].startswith("https://") and one["name"] and one["description"] for one in CATALOGUE["schemas"])


def test_what_init_writes_names_the_schema_that_it_fits(tmp_path: Path) -> None:
    _, settings = init(tmp_path)
    text = settings.read_text("utf-8")
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert named is not None
    schema = DIRECTORY / named[1].rpartition("/")[2]
    assert schema == schema_for(settings.name)
    jsonschema.validate(yaml.safe_load(text), json.loads(schema.read_text("utf-8")))


def test_the_files_of_the_readme_have_a_schema() -> None:
    assert schema_for("compat.yaml").name.startswith("nfd-")
    assert schema_for("app.compat.yaml").name.startswith("nfd-")
    assert schema_for("node.compat-profile.yaml").name.startswith("compatbuild-profile")
