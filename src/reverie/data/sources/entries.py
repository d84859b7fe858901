"""Registry of named datasets: the facts in ``datasets.yaml``, and the readers that they name."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from pydantic import TypeAdapter

from reverie.data.sources import cf, logged, microlens, movielens, multimodal, sequence_files
from reverie.data.sources.attacked import recad, shilling
from reverie.data.sources.entry import Layout, SourceEntry
from reverie.data.sources.sequence_files import table_files
from reverie.plain_yaml import read_yaml

LAYOUTS: dict[str, Layout] = {
    "ml-100k": movielens.publisher_100k,
    "ml-100k-recbole": movielens.atomic_100k,
    "ml-1m": movielens.publisher_1m,
    "ml-1m-sequences": movielens.sequences_1m,
    "collm-ml-1m": movielens.collm_rows,
    "collm-ml-1m-from-ratings": movielens.collm_from_ratings,
    "ml-latest-small": movielens.csv_small,
    "movietweetings": movielens.movietweetings,
    "amazon-beauty": table_files("Beauty.txt", "Beauty.item_titles.tsv", format="sequences"),
    "amazon-sports": sequence_files.amazon_sports,
    "amazon-toys": table_files("Toys_and_Games.txt", "Toys_and_Games.item_titles.tsv", format="sequences"),
    "yelp-s3rec": table_files("Yelp.txt", "Yelp.item_titles.tsv", format="sequences"),
    "microlens": microlens.read_microlens,
    "matrices": multimodal.read_matrices,
    "steam": table_files("game_purchase.dat", "item_info.dat", format="tsv", catalog_format="tsv", order="none"),
    "retailrocket": table_files("train_events.parquet"),
    "retailrocket-purchases": logged.held_out_purchases,
    "coat": logged.coat,
    "open-bandit": logged.open_bandit,
    "zhihu": sequence_files.zhihu,
    "lastfm-llara": sequence_files.lastfm,
    "cf-lines": cf.lines,
    "cf-yelp2018": cf.archived_lines("yelp2018.tar.gz", "yelp2018"),
    "cf-ml-1m": cf.archived_lines("ml_dataset.tar.gz", "ml_data"),
    "cf-pairs": cf.pairs,
    "recad-game": recad("game"),
    "filmtrust": shilling("filmTrust"),
    "automotive": shilling("automotive"),
}
"""Readers by the name that a mirror in ``datasets.yaml`` gives as its layout."""


def read_entries(path: Path) -> dict[str, SourceEntry]:
    """Read a file of named datasets."""
    facts = read_yaml(path)
    for name, entry in facts.items():
        entry["name"], entry["citation"] = name, "; ".join(entry["citation"])
        for mirror in entry["mirrors"]:
            mirror["layout"] = LAYOUTS[mirror["layout"]]
    return TypeAdapter(dict[str, SourceEntry]).validate_python(facts)


ENTRIES: dict[str, SourceEntry] = {point.name: point.load() for point in entry_points(group="reverie.datasets")}
ENTRIES |= read_entries(Path(__file__).with_name("datasets.yaml"))
"""By name: those that rooms and other installed packages make, and ours."""
