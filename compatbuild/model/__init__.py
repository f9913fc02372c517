"""What the tool talks about: evidence, findings, requirements, facts and reports. Pure data, frozen, no input or output."""
