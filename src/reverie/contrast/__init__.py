"""Encoders of graphs and images taught by contrastive losses, to see which loss helps where."""
