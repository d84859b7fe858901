"""Caser: convolutions over the last few items, every position trained."""
