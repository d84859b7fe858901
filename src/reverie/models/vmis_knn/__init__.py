"""VMIS-kNN: the nearest recent sessions, found through an index from items to sessions."""
