from setuptools import setup

setup()  # Beam's --setup_file wants a setup.py; the metadata stands in pyproject.toml.
