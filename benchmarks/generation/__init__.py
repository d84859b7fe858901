"""What generation buys beyond ranking: everything behind ``docs/generation.md``."""
