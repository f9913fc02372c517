"""Names in archives as paths in a tree: absolute, normal, printable, never out of the tree."""

from collections.abc import Iterable


def normal_path(name: bytes) -> str:
    """Return a member's name as an absolute path without ``.``, ``..`` and ``//``; ``..`` never leads above the root.

    Bytes that are not UTF-8 become backslash escapes, so that every path can be printed. The root is an empty string.
    """
    text = name.decode("utf-8", "backslashreplace").removeprefix("./").removesuffix("/")
    if text and text[0] not in "./" and "/." not in text and "//" not in text:
        return "/" + text
    return joined(text.split("/"))


def joined(parts: Iterable[str]) -> str:
    """Join path components, taking ``.`` and ``..`` as they are meant; the root is an empty string."""
    path: list[str] = []
    for part in parts:
        if part == "..":
            del path[-1:]
        elif part not in ("", "."):
            path.append(part)
    return "/" + "/".join(path) if path else ""
