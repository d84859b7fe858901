"""Sweeps: trying settings of a recipe on validation, and keeping the best as a recipe of its own."""
