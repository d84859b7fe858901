"""Bridges between recommenders and language models: what a recommender knows, in words, and words that recommend."""
