"""Attacks: ways to make up profiles."""
