"""Named public datasets: listing, loading and fetching them."""

from reverie.data.sources.load import default_protocol, find_entry, list_datasets, load_dataset, open_dataset

__all__ = ["default_protocol", "find_entry", "list_datasets", "load_dataset", "open_dataset"]
