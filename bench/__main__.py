"""Measure what compatbuild costs: ``python -m bench``, or ``make bench``.

Images are read beside what merely decompresses them, all commands in turn, several times over; tables show medians.
``out/bench.json`` holds every figure, ``out/bench.svg`` the plot.
"""

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench import daemon, images, matching, startup, tables, wire
from bench.contents import CORPUS, Image
from bench.corpus import stored
from bench.measure import BenchError, as_json
from bench.plot import svg
from compatbuild.errors import CompatError

DOCKER_IMAGE = "python"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 1 when no image could be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what compatbuild costs.")
    parser.add_argument("images", nargs="*", help=f"some of: {', '.join(one.name for one in CORPUS)}")
    parser.add_argument("--all", action="store_true", help="the large images too: minutes, and 1 GB to download")
    parser.add_argument("--runs", type=int, default=3, help="runs of each command (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("out/bench.json"), help="default: %(default)s")
    chosen = parser.parse_args(arguments)
    result: dict[str, Any] = {"machine": machine(), "images": [], "not_measured": {}}
    _images(result, [one.name for one in CORPUS if one.name in chosen.images or _usual(one.large, chosen)], chosen.runs)
    if not chosen.images:
        _rest(result, chosen.runs)
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    chosen.output.write_text(f"{json.dumps(result, indent=2)}\n", encoding="utf-8")
    if result["images"]:
        chosen.output.with_suffix(".svg").write_text(svg(result["images"]), encoding="utf-8")
    _print(result)
    print(f"\nEvery run is in {chosen.output}, the plot in {chosen.output.with_suffix('.svg')}")
    return int(not result["images"])


def machine() -> dict[str, Any]:
    """Return what figures depend on."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _usual(large: bool, chosen: argparse.Namespace) -> bool:  # noqa: FBT001 - a plain condition reads best here
    return not chosen.images and (chosen.all or not large)


def _images(result: dict[str, Any], names: Sequence[str], runs: int) -> None:
    for image in CORPUS:
        if image.name in names:
            part = _part(result, f"image {image.name}", partial(_image, image, runs))
            if part is not None:
                result["images"].append(part)
    missing = [name for name in ("igzip", *images.SCANNERS) if not shutil.which(name)]
    result["not_measured"] |= dict.fromkeys(missing, "it is not on PATH")


def _image(image: Image, runs: int) -> dict[str, Any]:
    return images.measured(stored(image), runs).as_json()


def _rest(result: dict[str, Any], runs: int) -> None:
    def from_daemon() -> dict[str, Any]:
        return as_json(daemon.measured(stored(next(one for one in CORPUS if one.name == DOCKER_IMAGE)), runs))

    result["startup"] = _part(result, "start-up", lambda: as_json(startup.measured(2 * runs)))
    result["matching"] = _part(result, "verdicts", matching.measured)
    result["requests"] = _part(result, "requests", wire.measured)
    result["docker"] = _part(result, "docker", from_daemon)


def _part(result: dict[str, Any], name: str, measure: Callable[[], Any]) -> Any:
    """Return what a part measures, or None and why not."""
    print(f"Measuring: {name}", file=sys.stderr)
    try:
        return measure()
    except (BenchError, CompatError, OSError, LookupError) as error:
        result["not_measured"][name] = str(error)
        return None


def _print(result: dict[str, Any]) -> None:
    if result["images"]:
        print(tables.text(tables.images(result["images"])))
        rulers = ", ".join(dict.fromkeys(one["yardstick"] for one in result["images"]))
        for one in result["images"]:
            if told := tables.of_zlib(one):
                print(f"\n{told}")
        print(f"\nThe yardstick is {rulers}. A process takes at most {images.MOST_MEMORY:.0f} MB, is the aim.")
    for name in ("startup", "docker"):
        if result.get(name):
            print(f"\n{tables.text(tables.costs(result[name]))}")
    if result.get("requests"):
        print(f"\n{tables.text(tables.counts(result['requests']))}")
    if result.get("matching"):
        found = result["matching"]
        told = "{verdicts_per_second:,} verdicts a second of processor: {specs} specifications on {profiles} profiles"
        print(f"\n{told.format(**found)}")
    for name, why in result["not_measured"].items():
        print(f"\nNot measured: {name}: {why}")


if __name__ == "__main__":
    sys.exit(main())
