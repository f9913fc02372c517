"""From an image view to findings, facts and requirements, and from requirements to NFD rules."""
