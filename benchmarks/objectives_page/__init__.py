"""Everything behind ``docs/results/objectives.md``."""
