"""Real packages, and what inference must and must not say of them: ``python -m tests.ground_truth --help``."""
