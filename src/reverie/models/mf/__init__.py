"""Matrix factorisation: one vector per user, one per item."""
