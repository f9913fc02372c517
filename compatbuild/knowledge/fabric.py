"""What is known of high-speed networks: the class whose fields are the blocks of ``fabric.yaml``."""

from dataclasses import dataclass

from compatbuild.knowledge.rows import Table


@dataclass(frozen=True, slots=True)
class Fabric:
    """High-speed networks."""

    efa_plugins: Table[str, str]  # soname of a library that is installed to use EFA → what it is
