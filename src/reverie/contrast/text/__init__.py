"""Contrastive learning of sentences: readers, encoders, training by two dropouts of a sentence, and rank correlations."""
