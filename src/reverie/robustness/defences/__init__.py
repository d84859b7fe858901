"""Defences: removal of suspicious users, and training that bears them."""
