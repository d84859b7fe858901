"""Most popular items: what everybody did, whoever asks."""
