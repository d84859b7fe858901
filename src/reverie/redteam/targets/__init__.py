"""Targets of attacks: assistants, recommenders built on language models, and controls."""
