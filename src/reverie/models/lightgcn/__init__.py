"""Linear graph convolution over the graph of users and items."""
