"""Templates: rendering an author's requirements document."""
