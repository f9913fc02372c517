"""What an image has from the image it is built on, as its report tells."""

from pathlib import Path

import pytest

from compatbuild import api
from compatbuild.errors import NotFoundError, UsageError
from compatbuild.inference.base import shared_layers
from compatbuild.model.report import Report, parse_report
from compatbuild.report.documents import report_bytes, report_value
from compatbuild.report.findings import markdown
from tests.builders import based_images, images
from tests.builders.based_images import BASE, built
from tests.builders.layers import sha256
from tests.unit.registry.faults import FaultRegistry, fault_registry

FROM_BASE = {"os.release", "label.kernel", "nvidia.require-cuda"}
OWN = {"label.module", "nvidia.require-driver", "cuda.driver-min"}


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return based_images.write(tmp_path / "images", BASE, built())


def inherited(report: Report) -> set[str]:
    return {finding.id for finding in report.findings if finding.inherited}


def reference(path: Path, tag: str) -> str:
    return f"oci-dir:{path}:{tag}"


def test_findings_whose_evidence_is_all_the_bases_say_so(layout: Path) -> None:
    report = api.infer(reference(layout, "app"), base=reference(layout, "base"))
    assert inherited(report) >= FROM_BASE
    assert not inherited(report) & OWN
    assert {finding.id for finding in report.findings} >= FROM_BASE | OWN
    assert report.base is not None
    assert (report.base.reference, report.base.digest, report.base.layers) == (
        reference(layout, "base"),
        BASE.digest,
        2,
    )


def test_the_base_itself_has_nothing_of_its_own(layout: Path) -> None:
    report = api.infer(reference(layout, "base"), base=reference(layout, "base"))
    assert {finding.id for finding in report.findings} == inherited(report)


def test_without_a_base_nothing_is_said(layout: Path) -> None:
    report = api.infer(reference(layout, "app"))
    assert report.base is None
    assert inherited(report) == set()
    value = report_value(report)
    assert "base" not in value
    assert not any("inherited" in finding for finding in value["findings"])


def test_a_report_with_a_base_is_read_back_as_it_was(layout: Path) -> None:
    report = api.infer(reference(layout, "app"), base=reference(layout, "base"))
    assert parse_report(report_bytes(report), "report") == report


def test_tables_tell_what_is_inherited(layout: Path) -> None:
    text = markdown(api.infer(reference(layout, "app"), base=reference(layout, "base")))
    assert f"Built on `{reference(layout, 'base')}`" in text
    (line,) = [line for line in text.splitlines() if "NVIDIA\\_REQUIRE\\_CUDA" in line and line.startswith("|")]
    assert "(from the base image)" in line


def test_a_base_that_the_image_is_not_built_on_is_refused(layout: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="layers differ from layer 3 on"):
        api.infer(reference(layout, "base"), base=reference(layout, "app"))
    (tmp_path / "root" / "etc").mkdir(parents=True)
    with pytest.raises(UsageError, match="no layers to compare"):
        api.infer(reference(layout, "app"), base=f"dir:{tmp_path / 'root'}")
    with pytest.raises(NotFoundError):
        api.infer(reference(layout, "app"), base=reference(layout, "nothing"))


def test_an_image_may_name_its_base_in_the_same_layout(tmp_path: Path) -> None:
    app = built(base_digest=BASE.digest, base_name="registry.example/base:1")
    path = based_images.write(tmp_path / "images", BASE, app)
    report = api.infer(reference(path, "app"))
    assert report.base is not None
    assert report.base.digest == BASE.digest
    assert inherited(report) >= FROM_BASE
    assert report.limits == ()


@pytest.mark.parametrize(
    ("annotations", "told"),
    [
        ({"base_name": "registry.example/base:1"}, "built on registry.example/base:1; --base"),
        ({"base_digest": "sha256:" + "0" * 64}, "cannot be used"),
        ({"base_digest": "latest"}, "cannot be used"),
        ({"base_digest": "../../etc/passwd", "base_name": "\x1b[31m"}, "cannot be used"),
    ],
)
def test_a_base_that_cannot_be_had_is_a_note(annotations: dict[str, str], told: str, tmp_path: Path) -> None:
    report = api.infer(reference(based_images.write(tmp_path / "images", built(**annotations)), "app"))
    assert report.base is None
    assert [told in limit for limit in report.limits] == [True]


def test_a_base_that_is_claimed_and_is_none_is_a_note(tmp_path: Path) -> None:
    other = based_images.image("other", based_images.DATA, runtime={})
    path = based_images.write(tmp_path / "images", other, built(base_digest=other.digest))
    report = api.infer(reference(path, "app"))
    assert report.base is None
    assert "layers differ from layer 1 on" in report.limits[0]


def test_labels_name_a_base_where_annotations_do_not(tmp_path: Path) -> None:
    labels = {"org.opencontainers.image.base.digest": BASE.digest}
    layers = (*built().layers,)
    app = based_images.image("app", *layers, runtime={"Labels": labels})
    report = api.infer(reference(based_images.write(tmp_path / "images", BASE, app), "app"))
    assert report.base is not None


def test_requirements_of_the_bases_report_are_offered_to_templates(layout: Path, tmp_path: Path) -> None:
    api.publish(reference(layout, "base"))
    report = api.infer(reference(layout, "app"), base=reference(layout, "base"))
    assert report.base is not None
    assert report.base.specification.startswith("sha256:")
    assert report.base.report.startswith("sha256:")
    assert {requirement.id for requirement in report.base.requirements} >= {"label.kernel", "label.module"}
    template = tmp_path / "t.j2"
    template.write_text(
        "version: compatbuild/v1\nrequirements:\n"
        "  {{ (base.requirements if base else requirements) | only('label.module') | yaml_list }}\n"
    )
    assert b" nvidia:" in api.refine(report, template=template).spec
    assert b" nvidia_uvm:" in api.refine(api.infer(reference(layout, "app")), template=template).spec


def test_the_history_of_a_base_is_the_bases(tmp_path: Path) -> None:
    steps = [{"created_by": "RUN cc -march=haswell"}, {"created_by": "RUN cc -march=zen3"}]
    made = [
        based_images.image("base", based_images.RELEASE, runtime={}, history=steps[:1]),
        based_images.image("app", based_images.RELEASE, based_images.DATA, runtime={}, history=steps),
    ]
    path = based_images.write(tmp_path / "images", *made)
    report = api.infer(reference(path, "app"), base=reference(path, "base"))
    assert {f.title[-7:]: f.inherited for f in report.findings if f.id == "build.target"} == {
        "haswell": True,
        "or zen3": False,
    }


def test_the_layers_of_a_base_are_a_beginning_of_the_images() -> None:
    base = images.view(based_images.RELEASE, based_images.CUDA).config
    assert shared_layers(images.view(*built().layers).config, base, "base") == 2
    with pytest.raises(UsageError, match="from layer 2 on"):
        shared_layers(images.view(based_images.RELEASE, based_images.DATA).config, base, "base")


def store(registry: FaultRegistry, *found: based_images.Image) -> None:
    for one in found:
        registry.blobs.update({sha256(blob): blob for blob in one.blobs})
        for name in (one.tag, one.digest):
            registry.manifests[name] = (one.manifest, images.MANIFEST)


def test_an_image_in_a_registry_may_name_its_base_there_and_nowhere_else() -> None:
    with fault_registry() as registry, fault_registry() as elsewhere:
        here, there = f"{registry.address}/team/base:base", f"{elsewhere.address}/team/base:base"
        store(elsewhere, BASE)
        for name, known in ((here, True), (there, False)):
            store(registry, BASE, built(base_name=name, base_digest=BASE.digest))
            report = api.infer(f"registry:{registry.address}/team/app:app")
            assert (report.base is not None) is known
            assert bool(report.limits) is not known
        assert elsewhere.seen == []
        assert api.infer(f"registry:{registry.address}/team/app:app", base=f"registry:{there}").base is not None
