"""Neural matrix factorisation (He et al. 2017)."""
