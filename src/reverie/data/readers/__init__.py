"""Readers of event logs and item catalogues from files and data frames."""

from reverie.data.readers.catalog import read_catalog
from reverie.data.readers.events import read_events

__all__ = ["read_catalog", "read_events"]
