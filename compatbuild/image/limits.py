"""How much of an image is read and kept: every cap of this room, named once.

An image is hostile until read, so nothing here grows with a number that the image itself states. Going over a cap
that protects the reader (sizes, counts, ratios) is an ImageError; going over one that only limits what is kept cuts,
and the view says so in its ``limits``.
"""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on reading one image; bytes unless a name says otherwise.

    Errors when exceeded: ``layers``, ``entries`` (tar members and directories implied by their names, of one layer and
    of all together), ``directories`` of one layer, ``layer_bytes`` (one layer, decompressed), ``ratio`` (decompressed
    to stored, from ``ratio_from`` decompressed bytes on: deflate itself stops at 1032:1, honest layers that large stay
    below 20:1), ``zstd_window_log`` (the window that the zstd program takes without asking, 2^27), ``extended_header``
    (what Go's archive/tar takes), ``extensions`` (extension headers before one member), ``records`` (PAX records of one
    layer), ``document`` (a manifest, an index, a config; what registries must take).

    Cut when exceeded: ``path`` (PATH_MAX of Linux) and ``depth`` of a path, ``long_names`` (paths and link targets over
    ``long_name`` characters, all of a layer together), ``layer_kept`` and ``kept`` (content of files), ``database``
    (one package database), ``elf_files`` of one layer, ``packages``, ``texts`` (limits told of one layer),
    ``script`` (what is kept of a program named by the config), ``python_sources`` of at most ``python_source`` each.
    """

    layers: int = 1_000
    entries: int = 2_000_000
    directories: int = 500_000
    layer_bytes: int = 128 * GIB
    ratio: int = 250
    ratio_from: int = 8 * GIB
    zstd_window_log: int = 27
    extended_header: int = MIB
    extensions: int = 8
    records: int = 8_000_000
    document: int = 4 * MIB

    path: int = 4_096
    depth: int = 256
    long_name: int = 256
    long_names: int = 32 * MIB
    layer_kept: int = 96 * MIB
    kept: int = 192 * MIB
    database: int = 64 * MIB
    elf_files: int = 100_000
    packages: int = 200_000
    texts: int = 50
    script: int = 64 * KIB
    python_sources: int = 512
    python_source: int = 256 * KIB


DEFAULT = Limits()
