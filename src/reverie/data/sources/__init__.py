"""Named public datasets: listing, loading and fetching them."""
