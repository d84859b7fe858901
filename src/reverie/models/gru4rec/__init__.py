"""GRU4Rec: a recurrent network over the history, every position trained."""
