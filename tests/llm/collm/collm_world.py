"""A small world with labels: people of two tastes, films of two kinds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from reverie.data.dataset import Dataset
from reverie.data.splits import given
from reverie.models import create_model

if TYPE_CHECKING:
    from reverie.data.split import Split

TINY = {"name": "tiny"}
N_USERS, N_ITEMS = 10, 16


def frame(seed: int = 0) -> pl.DataFrame:
    """Ratings with times."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(N_USERS):
        for item in rng.permutation(N_ITEMS)[:12]:
            agrees = (user % 2 == item % 2) != (rng.random() < 0.15)
            rows.append((user, int(item), int(rng.integers(0, 900)), 5.0 if agrees else 2.0))
    return pl.DataFrame(rows, schema=["user", "item", "timestamp", "rating"], orient="row").sort("timestamp")


def titles() -> pl.DataFrame:
    return pl.DataFrame({"item": range(N_ITEMS), "title": [f"Film {'ab'[i % 2]}{i} (19{60 + i})" for i in range(N_ITEMS)]})


def dataset(seed: int = 0) -> Dataset:
    part = pl.when(pl.col("timestamp") < 500).then(pl.lit("train")).when(pl.col("timestamp") < 700)
    labelled = frame(seed).with_columns(
        (pl.col("rating") > 3).cast(pl.Float32).alias("label"), part.then(pl.lit("valid")).otherwise(pl.lit("test")).alias("part")
    )
    return Dataset(labelled.drop("rating"), titles(), "world")


def split(seed: int = 0) -> Split:
    return given(dataset(seed))


def model(**options: Any) -> Any:
    """A CoLLM over the tiny language model, its recommender fitted to nothing but who has rows."""
    made = split()
    chosen = {"backbone": TINY, "collaborative": {"name": "mf", "options": {"dim": 8, "biases": False, "fold_in": "never"}}}
    built: Any = create_model("collm", made, seed=1, **(chosen | options))
    if built.evidence is not None:
        assert made.labelled is not None
        built.evidence.count_rows(made.labelled)
        if hasattr(built.evidence.model, "observe"):
            built.evidence.model.observe(made.train)
    return built.eval()


def write_files(folder: Path) -> tuple[Path, Path]:
    """The ratings and the titles as files."""
    frame().write_csv(folder / "ratings.csv")
    titles().write_csv(folder / "films.csv")
    return folder / "ratings.csv", folder / "films.csv"
