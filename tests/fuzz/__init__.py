"""Fuzzing of what reads bytes of strangers: a target each, a corpus of seeds, and mutations of them.

``test_fuzz`` replays the seeds and some thousand mutations in every run of the tests; ``python -m tests.fuzz`` goes on
for as long as it is told and keeps what it finds.
"""
