"""Neural network blocks shared by models."""
