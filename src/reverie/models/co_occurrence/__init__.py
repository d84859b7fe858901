"""Decayed, two-sided co-occurrence of items in histories."""
