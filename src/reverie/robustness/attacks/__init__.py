"""Attacks: fake profiles and polluted histories."""
