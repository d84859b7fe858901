"""Encoders of whole graphs taught by contrastive losses, and measured by a classifier of their vectors."""
