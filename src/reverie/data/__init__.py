"""Event logs, catalogues, datasets, sequences, splits and batches."""
