"""Recently popular items: counts that fade with a half-life."""
