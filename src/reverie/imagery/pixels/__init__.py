"""A small text-to-image diffusion model, trained here on captioned icons."""
