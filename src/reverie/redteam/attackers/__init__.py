"""Techniques of attack: each is a generator of texts to try, which is sent what came of them."""
