"""Renderers: what makes a picture of a scene."""
