"""Contrastive learning of images: readers, views, networks, and what an encoder's features are worth."""
