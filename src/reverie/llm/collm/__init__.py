"""CoLLM: a language model that reads collaborative vectors beside titles, and its controls."""
