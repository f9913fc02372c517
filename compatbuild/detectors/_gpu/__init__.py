"""What the detectors of GPUs and other accelerators share."""
