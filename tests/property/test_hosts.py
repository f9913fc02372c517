"""Whatever stands in the files of a host or of an export: an answer or a HostError, and nothing else.

There is no deadline, as files are written and the first example reads the tables.
"""

import json
import string
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from compatbuild.hosts.errors import HostError
from compatbuild.hosts.exported import exported_hosts
from compatbuild.hosts.node.cpuinfo import nfd_flags, parse_cpuinfo
from compatbuild.hosts.node.host import node_host
from compatbuild.hosts.node.system import parse_local
from compatbuild.hosts.osrelease import os_release, parse_os_release
from tests.builders.nodes import FILES, node

KEYS = st.sampled_from("kind items spec features labels metadata name flags attributes instances elements List".split())
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def reads(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "export"
        file.write_bytes(data)
        try:
            hosts = exported_hosts(str(file))
        except HostError:
            return
        assert all(host.name.encode() or host.kind == "features" for host in hosts)  # names can be printed


@given(VALUES)
def test_any_json_is_an_export_or_an_error(value: Any) -> None:
    reads(json.dumps(value).encode())


@given(st.text(alphabet=string.printable, max_size=60) | st.binary(max_size=30))
def test_any_bytes_are_an_export_or_an_error(data: str | bytes) -> None:
    reads(data.encode() if isinstance(data, str) else data)


@given(
    st.dictionaries(
        st.sampled_from(sorted(FILES)), st.none() | st.binary(max_size=40) | st.text(max_size=40), max_size=6
    )
)
def test_any_files_are_a_host_or_an_error(files: dict[str, str | bytes | None]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        try:
            host = node_host(node(Path(directory), files))
        except HostError:
            return
        assert host.features.from_document(host.features.document()) == host.features


@given(st.text(max_size=200))
def test_text_files_are_read_whatever_they_hold(text: str) -> None:
    labels, features = parse_local(text)
    assert all(isinstance(value, str) for value in (*labels.values(), *features.values()))
    assert all(isinstance(value, str) for value in os_release(parse_os_release(text)).values())
    processor = parse_cpuinfo(text)
    assert processor is None or nfd_flags(processor) is not None
