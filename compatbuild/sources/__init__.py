"""Where images come from: registries, archives, layouts, directories."""
