"""Recent popularity baseline."""
