"""Detectors of fake profiles."""
