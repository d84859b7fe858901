"""Event logs and catalogues from files and frames."""

from __future__ import annotations

from reverie.data.readers.catalog import read_catalog
from reverie.data.readers.events import read_events

__all__ = ["read_catalog", "read_events"]
