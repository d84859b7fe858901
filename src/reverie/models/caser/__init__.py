"""Caser (Tang and Wang 2018)."""
