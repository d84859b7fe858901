"""Reinforcement learning from logged rewards: value models, worlds, off-policy evaluation."""
