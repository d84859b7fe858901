"""Columns of ``results/language.csv`` after the fixed ones; both systems write them."""

from __future__ import annotations

MORE = ("task", "row", "decoding", "backbone", "adapter")
"""What was asked (``recovery``, ``residual``, ``preference`` …), the row of the table (the system itself or a control), how answers
were decoded (``free``, ``constrained``; empty where nothing is generated), the language model (empty where none is used), and the
adapter."""
