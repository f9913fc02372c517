"""What is known of the kernel: the class whose fields are the blocks of ``kernel.yaml``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from compatbuild.knowledge.rows import Table
from compatbuild.model.base import Model


class Users(Model):
    """Who uses something.

    ``programs`` are file names (``*`` allowed, ``{machine}`` is the image's own machine as ``uname -m`` names it) of
    programs that are of no use without it; ``called`` are such programs that come along with others, so that they count
    only when the default program calls them; ``optional`` are programs that can use it and do without. ``packages`` are
    the names of packages in any ecosystem, ``library_packages`` of packages that hold the library alone. ``libraries``
    are sonames (``*`` allowed) whose users need it, ``incidental`` file names of what links such a library only for a
    side feature. With one of ``substitutes`` (programs) in the image it can do without, and ``fallback`` says why all
    its users can.
    """

    programs: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    library_packages: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    incidental: tuple[str, ...] = ()
    substitutes: tuple[str, ...] = ()
    fallback: str = ""


class Facility(Users):
    """Something the kernel does for programs.

    ``options`` must all be set (``y`` or ``m``); ``modules`` are the modules that show it, any of which will do. One
    from outside the kernel's own tree has no options.
    """

    title: str
    options: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


class Enclave(Users):
    """Hardware that shields programs, which NFD publishes as ``element`` of ``cpu.security``, only where it is on."""

    title: str
    element: str


class Setting(Model):
    """A setting by which an image's own words ask for huge pages.

    ``kind`` is ``huge`` for reserved pages or ``transparent``. ``places`` are environment variables that hold it,
    ``arguments`` file names of programs that take it on their command line; it is on where the regular expression
    ``pattern`` matches and ``unless`` does not after that. ``needs`` are file names (``*`` allowed), one of which
    must be in the image for anybody to heed it. ``fallback`` says why it can be asked for in vain.
    """

    title: str
    kind: Literal["huge", "transparent"]
    pattern: str
    unless: str = ""
    places: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    fallback: str = ""


class Trap(Model):
    """A system call that C libraries make from a version on (by family), and who denies it.

    ``architectures`` are those of images (OCI names) that it concerns, all if there are none.
    """

    libraries: Mapping[str, str]
    architectures: tuple[str, ...] = ()
    denied_by: str


class Introduced(Model):
    """When Linux got an option: in the version ``since``, or at an unknown one between ``absent`` and ``present``.

    ``gone`` is a version that has it no more; between the last that is known to have it and that one nobody knows.
    """

    since: str = ""
    absent: str = ""
    present: str = ""
    gone: str = ""

    @property
    def told(self) -> str:
        """Return it in words that follow "in Linux"."""
        text = f"from {self.since} on" if self.since else f"by {self.present}, not in {self.absent}"
        return f"{text}, gone in {self.gone}" if self.gone else text

    def there(self, version: str) -> bool | None:
        """Say whether a version has the option; None where nobody knows, as between the ends of a bracket."""
        asked = _numbers(version)
        if self.gone and asked >= _numbers(self.present):
            known = asked == _numbers(self.present)
            return True if known else False if asked >= _numbers(self.gone) else None
        if asked >= _numbers(self.since or self.present):
            return True
        return False if self.since or asked <= _numbers(self.absent) else None


def _numbers(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version, which is what features are dated by."""
    return tuple(int(part) for part in version.split(".")[:2])


@dataclass(frozen=True, slots=True)
class Kernel:
    """What programs use of the kernel. Options are without ``CONFIG_``."""

    facilities: Table[str, Facility]
    ipvs: Table[str, Facility]
    netfilter: Table[str, Facility]  # ``nft``, ``legacy`` → what that variant of iptables works on
    netfilter_programs: Table[str, str]  # file name of the program behind ``iptables`` → variant
    user_space_io: Table[str, Facility]  # the ways to drive a PCI device from user space
    dpdk: Table[str, Users]
    page_users: Table[str, Users]  # ``huge``, ``transparent`` → what works with such pages
    page_settings: Table[str, Setting]
    page_options: Table[str, str]  # ``transparent``, ``files`` → option
    bpf_compilers: Table[str, Users]  # what compiles BPF programs on the host
    bpf_options: Table[str, str]  # ``syscall``, ``btf``, ``headers`` → option
    optional_bpf: Table[str, str]  # file name (``*`` allowed) of a file whose BPF objects are optional → why
    page_sizes: Table[int, str]  # page size of arm64 in bytes → option
    compat_options: Table[str, str]  # "e_machine/bits" of a program → option of a 64-bit kernel that runs it
    module_options: Table[str, str]  # module, with underscores → option that builds it
    plain_sysctl_files: Table[str, str]  # file name → distribution that ships it everywhere
    enclaves: Table[str, Enclave]
    runtime_traps: Table[str, Trap]
    emulation: Table[str, Facility]
    sandboxes: Table[str, Facility]
    introduced: Table[str, Introduced]  # by the option
