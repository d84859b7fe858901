"""Implicit alternating least squares (Hu, Koren and Volinsky 2008)."""
