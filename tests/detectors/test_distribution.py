import pytest

from compatbuild.detectors.distribution import DETECTOR, GLIBC_RELEASE
from compatbuild.image.view import Package
from compatbuild.model.finding import Confidence
from tests.builders.views import by_id, deb, elf, image_view

LOADER = "/lib64/ld-linux-x86-64.so.2"
MUSL = "/lib/ld-musl-x86_64.so.1"
DEBIAN = {"ID": "debian", "VERSION_ID": "12"}


def test_os_release_is_reported_as_it_stands() -> None:
    view = image_view(files={"/usr/lib/os-release": b""}, os_release=DEBIAN)
    finding = by_id(DETECTOR, view)["os.release"]
    assert finding.facts == {"os.id": "debian", "os.version": "12"}
    assert finding.evidence[0].path == "/usr/lib/os-release"
    assert finding.requirement is None


@pytest.mark.parametrize(
    ("release", "facts"),
    [
        ({"ID": "arch"}, {"os.id": "arch"}),
        ({"ID": "debian", "VERSION_ID": "12\x1b[31m"}, {"os.id": "debian"}),
        ({"ID": "Über", "VERSION_ID": "1"}, None),
        ({"VERSION_ID": "12"}, None),
        ({}, None),
    ],
)
def test_only_sound_names_are_repeated(release: dict[str, str], facts: dict[str, str] | None) -> None:
    finding = by_id(DETECTOR, image_view(os_release=release)).get("os.release")
    assert (finding.facts if finding else None) == facts


def test_the_library_itself_tells_its_version() -> None:
    view = image_view(
        elves={
            "/app": elf(interpreter=LOADER),
            "/lib/x86_64-linux-gnu/libc.so.6": elf(markers={GLIBC_RELEASE: ("2.36",)}),
        },
        packages=[deb("libc6", "2.31-13")],
        reached={"/app": Confidence.PROVEN},
    )
    finding = by_id(DETECTOR, view)["libc.version"]
    assert finding.facts == {"libc.family": "glibc", "libc.version": "2.36"}
    assert finding.confidence is Confidence.PROVEN
    assert finding.evidence[0].path == "/lib/x86_64-linux-gnu/libc.so.6"


@pytest.mark.parametrize(
    ("loader", "package", "facts"),
    [
        (LOADER, deb("libc6", "2.36-9+deb12u10"), {"libc.family": "glibc", "libc.version": "2.36"}),
        (
            LOADER,
            Package("rpm", "glibc", "2.34-100.el9", "/var/lib/rpm"),
            {"libc.family": "glibc", "libc.version": "2.34"},
        ),
        (MUSL, Package("apk", "musl", "1.2.5-r0", "/lib/apk"), {"libc.family": "musl", "libc.version": "1.2.5"}),
        (MUSL, deb("libc6", "2.36-9"), {"libc.family": "musl"}),
        (LOADER, deb("libc6", "unknown"), {"libc.family": "glibc"}),
    ],
)
def test_a_package_tells_the_version_of_its_own_library_only(
    loader: str, package: Package, facts: dict[str, str]
) -> None:
    found = by_id(DETECTOR, image_view(elves={"/app": elf(interpreter=loader)}, packages=[package]))
    (finding,) = (found[key] for key in found if key.startswith("libc."))
    assert finding.facts == facts
    assert finding.confidence is Confidence.LIKELY


def test_the_default_program_decides_between_two_libraries() -> None:
    elves = {"/app": elf(interpreter=MUSL), "/opt/other": elf(interpreter=LOADER)}
    found = by_id(DETECTOR, image_view(elves=elves, reached={"/app": Confidence.PROVEN}))
    assert found["libc.family"].facts == {"libc.family": "musl"}
    assert "libc.family" not in by_id(DETECTOR, image_view(elves=elves))


def test_static_programs_have_no_c_library_to_report() -> None:
    view = image_view(elves={"/app": elf()}, packages=[deb("libc6")], reached={"/app": Confidence.PROVEN})
    assert by_id(DETECTOR, view) == {}


def test_an_unknown_loader_is_of_no_known_family() -> None:
    assert by_id(DETECTOR, image_view(elves={"/app": elf(interpreter="/nix/store/x/ld.so")})) == {}
