"""Clips of video: decode, sample, mix, encode, classify; SV-Mix and its rivals."""
