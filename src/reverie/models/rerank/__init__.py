"""Lists of another recommender, chosen anew for variety, for popularity or for categories."""
