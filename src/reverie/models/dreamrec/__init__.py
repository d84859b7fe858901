"""DreamRec (Yang et al. 2023)."""
