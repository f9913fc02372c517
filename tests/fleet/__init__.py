"""Fleets that are made up: registries of many images on few layers, and the proofs that are run on them."""
