"""FREEDOM (Zhou and Shen 2023)."""
