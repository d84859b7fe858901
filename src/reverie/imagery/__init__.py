"""Pictures for abstract concepts: intent, objects, form, prompt, picture.

Inspired by TIAC (arXiv 2309.14623): stages as published; prompts, retrieval and metric are our reading.
"""
