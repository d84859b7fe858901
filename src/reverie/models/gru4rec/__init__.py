"""GRU4Rec (Hidasi et al. 2016)."""
