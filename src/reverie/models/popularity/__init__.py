"""Popularity baseline."""
