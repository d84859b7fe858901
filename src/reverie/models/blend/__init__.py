"""A weighted sum of other recommenders."""
