"""Language models and recommenders: RecInterpreter (states in words) and CoLLM (recommendation by a language model)."""
