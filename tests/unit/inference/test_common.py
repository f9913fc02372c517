"""What is true of every platform of an index, and nothing that is true of some."""

from typing import Any

import pytest

from compatbuild.errors import UsageError
from compatbuild.inference.common import common
from compatbuild.model.finding import Confidence, Evidence, Finding
from compatbuild.model.report import ImageIdentity, Report, Tool

INDEX = "sha256:" + "0" * 64


def finding(name: str, requirement: dict[str, Any] | None, confidence: str = "likely", path: str = "/x") -> Finding:
    evidence = [Evidence(detector="d", path=path, statement="It is there")]
    told = {"id": name, "title": name, "confidence": confidence, "requirement": requirement, "evidence": evidence}
    return Finding.model_validate(told)


def architecture(name: str) -> Finding:
    return finding("cpu.architecture", {"architecture": name}, "proven", path=f"/bin/{name}")


def report(platform: str, *findings: Finding) -> Report:
    image = ImageIdentity(source="registry", reference="app:v1", digest="sha256:1", platform=platform)
    return Report(tool=Tool(version="1", knowledge="2026-11-23"), image=image, findings=findings)


KERNEL = finding("kernel", {"kernel": ">=5.10"})
LEVEL = finding("cpu.level", {"cpu": "x86-64-v2"})
AMD = report("linux/amd64", architecture("amd64"), KERNEL, LEVEL)
ARM = report("linux/arm64", architecture("arm64"), KERNEL)


def requirements(made: Report) -> list[dict[str, Any]]:
    return [f.requirement.model_dump(exclude_defaults=True) for f in made.findings if f.requirement]


def test_what_all_platforms_need_and_one_of_their_architectures() -> None:
    made = common([AMD, ARM], "app:v1", INDEX)
    assert requirements(made) == [
        {"kernel": ">=5.10"},
        {"any": (({"architecture": "amd64"},), ({"architecture": "arm64"},))},
    ]
    last = made.findings[-1]
    assert last.id == "index.architectures"
    assert last.confidence is Confidence.PROVEN
    assert [evidence.path for evidence in last.evidence] == ["/bin/amd64", "/bin/arm64"]


def test_the_report_is_about_the_index() -> None:
    made = common([AMD, ARM], "app:v1", INDEX)
    assert made.image == ImageIdentity(
        source="registry", reference="app:v1", digest=INDEX, platform="linux/amd64, linux/arm64"
    )
    assert made.tool == AMD.tool
    assert made.facts == {}  # a fact is about one image


def test_the_order_of_platforms_does_not_show() -> None:
    elsewhere = finding("kernel", {"kernel": ">=5.10"}, path="/y")
    arm = report("linux/arm64", architecture("arm64"), elsewhere)
    assert common([AMD, arm], "app:v1", INDEX) == common([arm, AMD], "app:v1", INDEX)


def test_comments_and_ids_do_not_keep_equal_needs_apart() -> None:
    other = finding("from.elsewhere", {"kernel": ">=5.10", "comment": "tested there", "id": "mine"})
    made = common([AMD, report("linux/arm64", architecture("arm64"), other)], "app:v1", INDEX)
    assert {"kernel": ">=5.10"} in requirements(made)


def test_different_ranges_are_not_common() -> None:
    newer = finding("kernel", {"kernel": ">=6.1"})
    made = common([AMD, report("linux/arm64", architecture("arm64"), newer)], "app:v1", INDEX)
    assert [f.id for f in made.findings] == ["index.architectures"]


def test_a_hint_on_one_platform_is_no_need_of_all() -> None:
    hinted = report("linux/arm64", architecture("arm64"), finding("kernel", {"kernel": ">=5.10"}, "hint"))
    assert [f.id for f in common([AMD, hinted], "app:v1", INDEX).findings] == ["index.architectures"]


def test_variants_of_one_architecture_need_it_plainly() -> None:
    made = common([AMD, report("linux/amd64/v3", architecture("amd64"), LEVEL)], "app:v1", INDEX)
    assert requirements(made) == [{"architecture": "amd64"}, {"cpu": "x86-64-v2"}]


def test_where_one_platform_states_no_architecture_none_is_required() -> None:
    assert requirements(common([AMD, report("linux/arm64", KERNEL)], "app:v1", INDEX)) == [{"kernel": ">=5.10"}]


def test_one_platform_is_its_own_common_ground() -> None:
    assert requirements(common([AMD], "app:v1", INDEX)) == requirements(AMD)


def test_an_index_without_platforms_is_refused() -> None:
    with pytest.raises(UsageError, match="no image that runs"):
        common([], "app:v1", INDEX)
