"""Matchers of pictures and words, trained here on icons and on composed scenes; they only judge."""
