"""Hyperparameter search on validation, whose best setting becomes a recipe of its own."""
