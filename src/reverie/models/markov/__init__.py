"""First-order Markov chain: what follows the last item."""
