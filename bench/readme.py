"""Put the figures of ``out/bench.json`` into the README, and the plot into docs: ``python -m bench.readme``."""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import tables
from bench.images import INFER, MOST_MEMORY, MOST_TIMES, MOST_TIMES_SMALL, WARM

ROOT = Path(__file__).parents[1]
README, PLOT = ROOT / "README.md", ROOT / "docs" / "bench.svg"
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
AIM = (
    f"The aim is {MOST_TIMES} times what the fastest decompressor takes (`igzip -dc`, `zstd -dc`) for images over 1 GB "
    f"and {MOST_TIMES_SMALL} times for the rest"
)


def block(result: Mapping[str, Any]) -> str:
    """Return what stands between the marks of the README."""
    machine = result["machine"]
    where = f"on {machine['cores']} cores ({machine['cpu']}), Python {machine['python']}"
    parts = [
        f"Reading an image is bound by decompression. `make bench` {where}, medians; each run has an empty cache:",
        f"![Inference in multiples of decompression]({PLOT.relative_to(ROOT)})",
        tables.markdown(_images(result["images"])),
        f"{AIM}, in {MOST_MEMORY:.0f} MB.",
        _more(result),
    ]
    return _wrapped("\n\n".join(parts))


def _images(images: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    rows = [["image", "MB", "files", "`infer` s", "CPU s", "peak MB", "decompressed s", "times", "again s"]]
    for one in images:
        cost = one["medians"][INFER]
        rows.append(
            [
                f"{one['image']}: {one['about']}",
                f"{one['plain'] / 1e6:,.0f}",
                f"{one['files']:,}",
                f"{cost['wall']:.2f}",
                f"{cost['cpu']:.2f}",
                f"{cost['memory']:.0f}",
                f"{one['medians'][one['yardstick']]['wall']:.2f}",
                f"{one['times_yardstick']['value']:.2f}",
                f"{one['medians'][WARM]['wall']:.2f}",
            ]
        )
    return rows


def _more(result: Mapping[str, Any]) -> str:
    told = [line for one in result["images"] if (line := tables.of_zlib(one))]
    if started := result.get("startup"):
        names = {"--help": "`--help`", "validate": "`validate`", "infer": "`infer` of a directory with one file"}
        parts = [f"{name} {started[key]['wall']:.2f} s" for key, name in names.items()]
        told.append(f"Start-up: {', '.join(parts)}.")
    if matching := result.get("matching"):
        told.append(f"{matching['verdicts_per_second']:,} verdicts of a specification on a host a second of CPU.")
    if docker := result.get("docker"):
        told.append(
            f"From a docker daemon the image *python* takes {docker['docker:']['wall']:.2f} s and "
            f"{docker['docker:']['memory']:.0f} MB, from a directory {docker['oci-dir:']['wall']:.2f} s and "
            f"{docker['oci-dir:']['memory']:.0f} MB; `docker save` alone takes {docker['docker save']['wall']:.2f} s."
        )
    return " ".join(told)


def _wrapped(text: str, width: int = 120) -> str:
    """Break the lines of paragraphs; tables stay as they are."""
    lines: list[str] = []
    for line in text.splitlines():
        current = ""
        for word in [line] if line.startswith(("|", "!")) else line.split(" "):
            if current and len(current) + 1 + len(word) > width:
                lines.append(current)
                current = word
            else:
                current = f"{current} {word}".strip(" ") if current else word
        lines.append(current)
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.readme", description="Put figures into the README.")
    parser.add_argument("--input", type=Path, default=Path("out/bench.json"), help="default: %(default)s")
    chosen = parser.parse_args(arguments)
    result = json.loads(chosen.input.read_text("utf-8"))
    text = README.read_text("utf-8")
    inner = f"{BEGIN}\n{block(result)}\n{END}"
    README.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: inner, text, flags=re.DOTALL), "utf-8")
    shutil.copyfile(chosen.input.with_suffix(".svg"), PLOT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
