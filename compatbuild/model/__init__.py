"""What the tool talks about: evidence, findings, requirements, facts, reports. Frozen data, no input or output."""
