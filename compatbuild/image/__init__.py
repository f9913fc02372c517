"""From an image's bytes to a view that detectors can ask. No network, nothing written to disk, every read bounded."""
