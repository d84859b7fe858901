"""Item co-occurrence with distance decay."""
