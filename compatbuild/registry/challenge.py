"""What a registry asks for in ``WWW-Authenticate`` (RFC 9110 §11.6.1; distribution's ``spec/auth/token``)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_HEADER = 8192
"""Characters of the header that are looked at."""
_ITEM = re.compile(r'\s*,?\s*(?:([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([A-Za-z0-9_-]+)(?=\s|,|$))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """One scheme, in lower case, and its parameters by lower-case name."""

    scheme: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a request does to a repository: ``pull``, or ``pull`` and ``push``."""

    repository: str
    actions: frozenset[str]

    def merged(self, offered: str) -> tuple[str, ...]:
        """Return the scopes to ask a token for: those of the challenge, with our actions added to our repository's."""
        actions = set(self.actions)
        others = []
        for scope in offered.split():
            kind, _, rest = scope.partition(":")
            name, _, wanted = rest.rpartition(":")
            if kind == "repository" and name == self.repository:
                actions.update(filter(None, wanted.split(",")))
            else:
                others.append(scope)
        ours = f"repository:{self.repository}:{','.join(sorted(actions))}"
        return (*others, ours) if self.repository else tuple(others)


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """Return the challenges of a header in their order; what cannot be read ends the list."""
    found: list[tuple[str, dict[str, str]]] = []
    header = header[:MAX_HEADER]
    position = 0
    while match := _ITEM.match(header, position):
        position = match.end()
        name, quoted, plain, scheme = match.groups()
        if scheme:
            found.append((scheme.lower(), {}))
        elif found:
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
            found[-1][1].setdefault(name.lower(), value)
    return tuple(Challenge(scheme, parameters) for scheme, parameters in found)
