"""Networks that classify clips and show their last feature map: convolutional, transformers, frozen frames, and those of others."""
