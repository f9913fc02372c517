"""Which commands a shell script plainly runs: no evaluation, only the words in command position."""

import re
import shlex
from collections.abc import Iterator, Sequence

SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox", "fish"})
MAX_COMMANDS = 500

_KEYWORDS = frozenset("if then elif else fi for while until do done case esac in function { } ! [ [[ time".split())
_BUILTINS = frozenset("cd echo export set unset source . trap shift test true false read eval local return".split())
_WRAPPERS = frozenset(
    "env exec tini dumb-init catatonit gosu su-exec nice nohup stdbuf setsid chroot command numactl".split()
)
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_SEPARATORS = frozenset({";", "&&", "||", "|", "&", "(", ")", ";;"})
ARGUMENTS = "$@"
"""What a command list holds where the script hands over to its own arguments (``exec "$@"``)."""


def commands(script: str) -> Iterator[tuple[str, ...]]:
    """Yield the simple commands of a script as word tuples, wrappers such as ``exec`` and ``env`` taken off.

    Words with an expansion in command position are left out, but for ``"$@"``, which is yielded as ``("$@",)``.
    """
    count = 0
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:  # an open quotation goes on in the next line: this line is not a plain command
            continue
        for command in _split(words):
            stripped = unwrap(command)
            if stripped and (stripped[0] == ARGUMENTS or "$" not in stripped[0]):
                yield stripped
                count += 1
                if count >= MAX_COMMANDS:
                    return


def _split(words: list[str]) -> Iterator[list[str]]:
    current: list[str] = []
    for word in words:
        if word in _SEPARATORS or word in _KEYWORDS:
            if current:
                yield current
            current = []
        else:
            current.append(word)
    if current:
        yield current


def unwrap(words: Sequence[str]) -> tuple[str, ...]:
    """Take leading assignments, wrappers and the wrappers' options off a command; empty for a shell builtin."""
    rest = list(words)
    wrapped = False
    while rest:
        word = rest[0]
        if _ASSIGNMENT.match(word) or (wrapped and (word.startswith("-") or word.isdigit())):
            rest.pop(0)
        elif word.rsplit("/", 1)[-1] in _WRAPPERS:
            rest.pop(0)
            wrapped = True
        else:
            break
    return () if rest and rest[0] in _BUILTINS else tuple(rest)
