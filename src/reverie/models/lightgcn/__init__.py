"""LightGCN (He et al. 2020)."""
