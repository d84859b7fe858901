"""Readers of event logs, item catalogues and features of items from files and data frames."""

from reverie.data.readers.beside import with_features
from reverie.data.readers.catalog import read_catalog
from reverie.data.readers.events import read_events
from reverie.data.readers.features import read_features

__all__ = ["read_catalog", "read_events", "read_features", "with_features"]
