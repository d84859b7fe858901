"""Judges of prompts and pictures, the closed lists that they choose from, and what their choices are worth."""
