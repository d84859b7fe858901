"""SASRec: self-attention over the history, every position trained."""
