"""Nearest items by the cosine of who took them."""
