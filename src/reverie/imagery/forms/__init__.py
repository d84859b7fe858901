"""How pictures are made: patterns of form out of prompts that people wrote, and the choice among them for a concept."""
