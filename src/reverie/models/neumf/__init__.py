"""Neural matrix factorisation: a product of vectors and a network over them, side by side."""
