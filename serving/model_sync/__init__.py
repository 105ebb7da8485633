"""Mirrors pushed versions from an object store to the folder that TensorFlow Serving reads."""
