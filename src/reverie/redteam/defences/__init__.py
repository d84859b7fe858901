"""Defences of targets: hardening by fine-tuning, guards around a target, and what they cost."""
