"""One image on many hosts."""

from collections.abc import Sequence
from dataclasses import replace

from compatbuild.checking.beyond import Beyond
from compatbuild.checking.evaluate import Judge
from compatbuild.checking.gpus import Gpu
from compatbuild.checking.loading import Loaded
from compatbuild.checking.verdicts import Checked
from compatbuild.hosts.host import Host
from compatbuild.hosts.processors import OCI_ARCHITECTURES


def check(loaded: Loaded, hosts: Sequence[Host], gpus: Sequence[Gpu] = ()) -> Checked:
    """Return the verdict on each host; SpecError when it is too costly to tell, or a range is none."""
    beyond = Beyond.of(loaded.report)
    verdicts = tuple(Judge(host).judge(loaded.spec, beyond.needs(host, gpus)) for host in hosts)
    subject = loaded.subject
    return Checked(replace(subject, information=(*subject.information, *beyond.information)), verdicts)


def platform_of(hosts: Sequence[Host]) -> str:
    """Return the platform that all hosts have in common (``linux/amd64``); empty when there is none, or not known."""
    names = {OCI_ARCHITECTURES.get(host.architecture, host.architecture) for host in hosts}
    return f"linux/{names.pop()}" if len(names) == 1 and "" not in names else ""
