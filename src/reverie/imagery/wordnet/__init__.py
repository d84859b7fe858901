"""WordNet 3.0: where its files come from, and the table that they are kept in."""
