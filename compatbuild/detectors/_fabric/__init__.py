"""What tells of the high-speed networks that an image can use: one module a kind of evidence.

Each has a pure function ``detect(view, fabric)`` that yields findings.
"""
