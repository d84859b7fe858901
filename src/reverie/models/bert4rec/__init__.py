"""BERT4Rec (Sun et al. 2019)."""
