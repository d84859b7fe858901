"""SLIM (Ning and Karypis 2011)."""
