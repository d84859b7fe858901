"""Deterministic detectors: whether a response reached its goal, and how often they are right."""
