"""Encoders of graphs, sentences and images taught by contrastive losses, to see which loss helps where."""
