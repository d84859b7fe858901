"""RecInterpreter: what a recommender's hidden state holds, in words (arXiv 2310.20487)."""
