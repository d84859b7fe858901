"""Baseline of items that come again."""
