"""Everything behind ``docs/objectives.md``."""
