"""``compatbuild validate``."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compatbuild.cli import options
from compatbuild.cli.output import emit, wanted

if TYPE_CHECKING:
    from compatbuild.validation.issue import Issue

EXIT_INVALID = 12


def validate(
    specs: Annotated[list[str], typer.Argument(metavar="SPEC...", help="Specifications or templates; - is stdin.")],
    output: options.Output = None,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail too.")] = False,
) -> None:
    """Find everything that is wrong with a specification, and say how to mend it.

    Of a template (*.j2) the syntax is looked at.

    Formats: table, json, sarif, codequality. Exit code 12 when there is an error.

    [dim]Example: compatbuild validate compat.yaml[/dim]
    """
    from compatbuild import api
    from compatbuild.report import codequality, issues_sarif
    from compatbuild.report.documents import to_json
    from compatbuild.report.issues import listing
    from compatbuild.report.sarif import sarif

    targets = wanted(output, "table", "json", "sarif", "codequality")
    issues: list[Issue] = []
    for name in specs:
        if name == "-":
            issues += api.validate(sys.stdin.buffer.read(2 << 20), name="stdin")
        else:
            issues += api.validate(name)
    value: dict[str, Any] = {
        "schema": "compatbuild.validation/v1",
        "specs": specs,
        "issues": [issue.model_dump(mode="json") for issue in issues],
    }
    formats = {
        "table": lambda: listing(issues, specs),
        "json": lambda: to_json(value),
        "sarif": lambda: to_json(sarif(tuple(issues_sarif.results(issues)))),
        "codequality": lambda: to_json(codequality.document(issues)),
    }
    emit(targets, formats)
    if any(strict or issue.severity.value == "error" for issue in issues):
        raise typer.Exit(EXIT_INVALID)
