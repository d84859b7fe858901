"""Training and measuring classifiers of clips."""
