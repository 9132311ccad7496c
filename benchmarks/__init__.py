"""Measurements of sockreply beside its peers; `python -m benchmarks --help`."""
