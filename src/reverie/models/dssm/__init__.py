"""DSSM: two towers (Huang et al. 2013)."""
