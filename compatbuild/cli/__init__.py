"""The command line: thin files, no logic."""
