"""Item-based k-nearest neighbours (Sarwar et al. 2001)."""
