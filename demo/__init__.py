"""A real image, made without root, Docker or a server, and the whole journey of compatbuild over it."""
