"""How fast and in how much memory compatbuild reads an image, beside what merely decompressing its layers costs."""
