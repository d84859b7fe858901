"""Deep interest network (Zhou et al. 2018)."""
