"""What a fleet's record says, for people and for programs."""
