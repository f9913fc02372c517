"""Check on which hosts an image can run."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from compatbuild.api.reading import infer, refine
from compatbuild.api.targets import DEFAULT_OPTIONS, Say, open_target, read_file
from compatbuild.image.limits import DEFAULT, Limits
from compatbuild.model.report import parse_report
from compatbuild.registry.options import RegistryOptions

if TYPE_CHECKING:
    from compatbuild.cache import Cache
    from compatbuild.checking.loading import Loaded
    from compatbuild.checking.verdicts import Checked
    from compatbuild.hosts.host import Host
    from compatbuild.signing.verify import Policy


def check(
    target: str,
    hosts: "Sequence[Host]",
    *,
    gpus: str = "",
    platform: str | None = None,
    policy: "Policy | None" = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
    say: Say | None = None,
    limits: Limits = DEFAULT,
    cache: "Cache | None" = None,
) -> "Checked":
    """Say on which of some hosts an image can run, and why not on the others.

    ``target`` is as for ``load_target``; ``gpus`` are names that code of the image must run on (``h100,mi300x``).
    """
    loaded = load_target(
        target, hosts, platform=platform, policy=policy, options=options, say=say, limits=limits, cache=cache
    )
    return check_loaded(loaded, hosts, gpus=gpus)


def check_loaded(loaded: "Loaded", hosts: "Sequence[Host]", *, gpus: str = "") -> "Checked":
    """Say on which of some hosts an image can run that ``load_target`` loaded; ``gpus`` as for ``check``."""
    from compatbuild.checking.check import check as check_on
    from compatbuild.checking.gpus import gpus as parse_gpus

    return check_on(loaded, hosts, parse_gpus(gpus))


def load_target(
    target: str,
    hosts: "Sequence[Host]",
    *,
    platform: str | None = None,
    policy: "Policy | None" = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
    say: Say | None = None,
    limits: Limits = DEFAULT,
    cache: "Cache | None" = None,
) -> "Loaded":
    """Load what is to be checked: a file with a specification or a report, a reference, or an image itself.

    An existing file with text is a specification or a report; ``registry:`` and the other prefixes of ``infer``, a
    directory and an archive are images that are read now; anything else, ``oci-dir:`` too, is a reference whose
    attached specification counts, with a ``policy`` only one that passes it. Without ``platform`` that of the hosts
    counts. ``limits`` and ``cache`` are for an image that is read now, as for ``infer``.
    """
    from compatbuild.checking.check import platform_of
    from compatbuild.checking.loading import Loaded, attached, is_image, is_report, is_text_file
    from compatbuild.checking.verdicts import Subject
    from compatbuild.nfd.decode import decode

    if is_text_file(Path(target)):
        data = read_file(Path(target))
        if not is_report(data):
            return Loaded(Subject(target, "spec"), decode(data), text=data)
        report, kind = parse_report(data, target), "report"
    elif is_image(target):
        report, kind = infer(target, platform=platform, options=options, say=say, limits=limits, cache=cache), "source"
    else:
        opened = open_target(target, options)
        wanted = platform or platform_of(hosts)
        return attached(opened.store, opened.reference, wanted, policy, exactly=platform is not None)
    digest, text = report.image.digest, refine(report, template="default").spec
    return Loaded(Subject(target, kind, digest, report=True), decode(text), report, text)
