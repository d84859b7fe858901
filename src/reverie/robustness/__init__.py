"""Attacks on recommenders, detectors of fake profiles, hardening, and one benchmark for all of them."""
