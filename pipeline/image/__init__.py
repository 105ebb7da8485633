"""Builds the container image: `make image`. Standard library only, for it runs without the set-up."""
