"""Measurements, run by `make bench`: ratios taken in one run on the machine at hand."""
