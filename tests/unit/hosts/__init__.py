"""Tests of the facts of hosts."""
