"""Everything that a registry holds or a cluster runs: who uses which image, the work on each, and a record of it."""
