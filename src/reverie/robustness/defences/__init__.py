"""Defences: removal or re-weighting of suspicious users, and robust training."""
