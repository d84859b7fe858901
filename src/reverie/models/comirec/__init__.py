"""ComiRec (Cen et al. 2020)."""
