"""Where images come from: OCI layouts and archives, docker archives, directories, registries, SIF, Spack."""
