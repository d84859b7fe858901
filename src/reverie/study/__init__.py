"""The machinery of every study: a recipe becomes cells, kept pieces, rows of a results table, a table and a page."""
