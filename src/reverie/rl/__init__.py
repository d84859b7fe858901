"""Recommendation for long-term value: worlds, policies, value models and off-policy evaluation."""
