"""Recommendation from the content of items: which encoder helps which recommender, and items that nobody has clicked."""
