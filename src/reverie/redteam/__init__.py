"""Red-teaming of language models and of recommenders built on them, and hardening against what was found."""
