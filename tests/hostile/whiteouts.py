"""Whiteouts: what an upper layer hides, and what only looks like hiding."""

from tests.builders.layers import Entry, directory, file, hardlink, layer, opaque, symlink, whiteout
from tests.hostile.case import HONEST, MPI, TRICK, Case, Make, files, image, trick

BOTH = {**HONEST, **MPI}
BELOW = layer(trick())


def over(*entries: Entry) -> Make:
    """Return what writes an image with a layer of these entries over one that has the trick."""
    return image(BELOW, layer(*entries))


CASES = (
    Case("whiteout-file", "a file hidden by an upper layer", over(whiteout(TRICK)), absent=("mpi.family",)),
    Case(
        "whiteout-directory",
        "a directory hidden by an upper layer",
        image(layer(trick("opt/a/b/trick")), layer(whiteout("opt/a"))),
        absent=("mpi.family",),
    ),
    Case(
        "whiteout-own-layer",
        "a whiteout does not hide what its own layer has",
        over(whiteout(TRICK), trick()),
        facts=BOTH,
    ),
    Case("whiteout-own-layer-after", "not even when it comes later", over(trick(), whiteout(TRICK)), facts=BOTH),
    Case(
        "whiteout-opaque",
        "an opaque directory hides all below it, and keeps its own",
        image(layer(trick("opt/a/trick")), layer(file("opt/a/b"), opaque("opt"))),
        absent=("mpi.family",),
    ),
    Case(
        "whiteout-opaque-root",
        "the root itself is opaque",
        image(layer(opaque(""), trick())),
        facts=MPI,
        absent=("cuda.driver.min", "os.id"),
    ),
    Case(
        "whiteout-of-nothing",
        "whiteouts that name nothing, and names that climb",
        over(file(".wh."), file(".wh.."), file(".wh..."), file("a/.wh.../../x")),
        facts=BOTH,
        limits=("a whiteout that names nothing",),
    ),
    Case(
        "whiteout-climbing",
        "a whiteout with a path that climbs out",
        over(file("usr/lib/../../../usr/bin/.wh.trick")),
        absent=("mpi.family",),
    ),
    Case(
        "whiteout-aufs",
        "book-keeping of aufs hides nothing",
        over(file(".wh..wh.aufs"), file(".wh..wh.plnk/x"), file("usr/bin/.wh..wh.trick")),
        facts=BOTH,
    ),
    Case(
        "whiteout-through-link",
        "a whiteout through a link of a lower layer hides nothing behind that link",
        image(layer(trick(), symlink("bin", "usr/bin")), layer(file("bin/.wh.trick"))),
        facts=BOTH,
    ),
    Case(
        "whiteout-then-linked",
        "a hard link to a file of a lower layer that the same layer hides",
        over(whiteout(TRICK), hardlink("usr/bin/other", TRICK)),
        facts=BOTH,
    ),
    Case("whiteout-whiteout", "a whiteout of a whiteout is none", over(file("usr/bin/.wh..wh..wh.trick")), facts=BOTH),
    Case(
        "whiteout-directory-entry",
        "a whiteout that is a directory",
        over(directory("usr/bin/.wh.trick")),
        absent=("mpi.family",),
    ),
    Case(
        "directory-becomes-link",
        "a directory of a lower layer becomes a link above",
        over(symlink("usr/bin", "/nowhere")),
        facts={"os.id": "debian"},
        absent=("mpi.family",),
    ),
    Case(
        "whiteout-many",
        "100,000 whiteouts of things that are not there",
        files(*(whiteout(f"gone/{n}") for n in range(100_000))),
    ),
    Case(
        "layers-hide-each-other",
        "200 layers, each opaque over the last",
        image(*(layer(opaque("opt"), *(file(f"opt/{m}") for m in range(50))) for n in range(200))),
    ),
)
