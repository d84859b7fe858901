"""Settings: where the objects stand."""
