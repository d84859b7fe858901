"""First-order Markov chain of items."""
