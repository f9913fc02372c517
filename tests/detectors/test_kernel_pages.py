from dataclasses import replace

import pytest

from compatbuild.detectors.kernel_pages import DETECTOR, HUGIFY, PLACES
from compatbuild.image.elf import ElfFacts
from compatbuild.image.view import ImageView
from compatbuild.knowledge import load
from compatbuild.model.finding import Confidence, Severity
from compatbuild.model.requirement import FacilityRequirement, HugepagesRequirement
from tests.builders.views import by_id, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
JVM = {"/opt/jdk/lib/server/libjvm.so": elf(), "/opt/jdk/bin/java": elf("libjli.so")}
LIBC = {"/lib/x86_64-linux-gnu/libc.so.6": elf()}
HUGE, TRANSPARENT = "kernel.hugepages", "kernel.transparent-hugepages"


def running(*words: str, confidence: Confidence = PROVEN, elves: dict[str, ElfFacts] | None = None) -> ImageView:
    return replace(image_view(elves=elves, entrypoint_known=True), commands={words: confidence})


@pytest.mark.parametrize(
    ("name", "value", "elves", "found"),
    [
        ("JAVA_TOOL_OPTIONS", "-Xmx1g -XX:+UseLargePages", JVM, HUGE),
        ("JAVA_OPTS", "-XX:+UseLargePages -XX:LargePageSizeInBytes=2m", JVM, HUGE),
        ("JDK_JAVA_OPTIONS", "-XX:+UseTransparentHugePages", JVM, TRANSPARENT),
        ("JAVA_OPTS", "-XX:+UseTransparentHugePages -XX:+UseLargePages", JVM, TRANSPARENT),
        ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=2", LIBC, HUGE),
        ("GLIBC_TUNABLES", "glibc.elision.enable=1:glibc.malloc.hugetlb=1", LIBC, TRANSPARENT),
        ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=2097152", LIBC, HUGE),
        ("MALLOC_CONF", "background_thread:true,thp:always", {}, TRANSPARENT),
        ("_RJEM_MALLOC_CONF", "thp:always", {}, TRANSPARENT),
        ("HUGETLB_MORECORE", "yes", {"/lib/libhugetlbfs-2.23.so": elf()}, HUGE),
        ("HUGETLB_MORECORE", "thp", {"/lib/libhugetlbfs-2.23.so": elf()}, TRANSPARENT),
        ("NODE_OPTIONS", "--use-largepages=silent", {}, TRANSPARENT),
    ],
)
def test_a_setting_in_the_environment_is_a_recommendation(
    name: str, value: str, elves: dict[str, ElfFacts], found: str
) -> None:
    (finding,) = findings(DETECTOR, image_view(env={name: value}, elves=elves))
    assert finding.id == found
    assert (finding.confidence, finding.severity, finding.facts) == (HINT, Severity.RECOMMENDED, {})
    assert [(e.path, e.locator) for e in finding.evidence] == [("config.Env", name)]


@pytest.mark.parametrize(
    ("name", "value", "elves"),
    [
        ("JAVA_TOOL_OPTIONS", "-XX:+UseLargePages", LIBC),  # no JVM
        ("JAVA_TOOL_OPTIONS", "-XX:+UseLargePages -XX:-UseLargePages", JVM),
        ("JAVA_TOOL_OPTIONS", "-XX:+UseLargePagesIndividualAllocation", JVM),
        ("JAVA_HOME", "-XX:+UseLargePages", JVM),
        ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=0", LIBC),
        ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1:glibc.malloc.hugetlb=0", LIBC),
        ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", JVM),  # musl
        ("MALLOC_CONF", "metadata_thp:always", {}),
        ("MALLOC_CONF", "thp:default", {}),
        ("MALLOC_CONF", "thp:always,thp:never", {}),
        ("HUGETLB_MORECORE", "no", {"/lib/libhugetlbfs-2.23.so": elf()}),
        ("HUGETLB_MORECORE", "yes", LIBC),
    ],
)
def test_near_misses(name: str, value: str, elves: dict[str, ElfFacts]) -> None:
    assert findings(DETECTOR, image_view(env={name: value}, elves=elves)) == []


def test_a_server_that_refuses_to_start_needs_them() -> None:
    direct = by_id(DETECTOR, running("postgres", "-c", "huge_pages=on"))[HUGE]
    assert direct.requirement == HugepagesRequirement(hugepages="any")
    assert (direct.confidence, direct.severity) == (PROVEN, Severity.REQUIRED)
    assert direct.facts == {HUGE: True}
    script = running("/usr/lib/postgresql/15/bin/postgres", "--huge-pages=on", confidence=LIKELY)
    assert by_id(DETECTOR, script)[HUGE].confidence is LIKELY


@pytest.mark.parametrize(
    "words",
    [
        ("postgres", "-c", "huge_pages=try"),
        ("postgres", "-c", "huge_pages=on", "-c", "huge_pages=off"),
        ("echo", "-c", "huge_pages=on"),
        ("postgres",),
    ],
)
def test_a_server_that_may_go_without_does_not(words: tuple[str, ...]) -> None:
    assert findings(DETECTOR, running(*words)) == []


def test_flags_on_the_command_line_count_as_in_the_environment() -> None:
    (finding,) = findings(DETECTOR, running("/opt/jdk/bin/java", "-XX:+UseLargePages", "-jar", "a.jar", elves=JVM))
    assert (finding.id, finding.confidence, finding.severity) == (HUGE, HINT, Severity.RECOMMENDED)


def test_secrets_beside_a_setting_are_not_told() -> None:
    env = {"JAVA_OPTS": "-Dpassword=hunter2 -XX:+UseLargePages"}
    (finding,) = findings(DETECTOR, image_view(env=env, elves=JVM))
    assert "hunter2" not in finding.model_dump_json()


def test_a_reached_program_on_libhugetlbfs_needs_them() -> None:
    view = image_view(elves={"/app": elf("libhugetlbfs.so.0")}, reached={"/app": PROVEN})
    finding = by_id(DETECTOR, view)[HUGE]
    assert (finding.confidence, finding.facts) == (LIKELY, {HUGE: True})


def test_text_in_huge_pages_is_recommended() -> None:
    view = image_view(elves={"/app": elf(markers={HUGIFY: ()})}, reached={"/app": PROVEN})
    (finding,) = findings(DETECTOR, view)
    assert finding.requirement == FacilityRequirement(facility=("READ_ONLY_THP_FOR_FS",))
    assert (finding.confidence, finding.severity) == (HINT, Severity.RECOMMENDED)


def test_alignment_is_no_wish() -> None:
    view = image_view(elves={"/app": elf(load_align=2 << 20)}, reached={"/app": PROVEN})
    assert findings(DETECTOR, view) == []


def test_every_place_of_a_setting_is_asked_for() -> None:
    assert {name for row in load().kernel.page_settings.values() for name in row.value.places} == set(PLACES)
