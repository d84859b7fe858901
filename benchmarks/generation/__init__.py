"""What generation buys beyond ranking: everything behind ``docs/results/generation.md``."""
