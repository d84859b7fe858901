"""Daydream: diffusion on the sphere of item directions, anchored by a softmax, every position trained."""
