"""Daydream: few-step diffusion over item directions with a softmax loss."""
