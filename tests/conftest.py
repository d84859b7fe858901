from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: threads cost tiny tensors more than they give

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest
from hypothesis import HealthCheck, settings

from reverie.evaluation.metrics import OWN
from reverie.models.shelf import MODELS
from reverie.testing import tiny_dataset

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def _session() -> Iterator[None]:
    """Forget the models and metrics that a test registers for its session."""
    yield
    MODELS.session.clear()
    OWN.clear()


@pytest.fixture(scope="session")
def load_script() -> Callable[[Path], ModuleType]:
    """Import a file that is in no package."""

    def load(path: Path) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def small_movielens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for ``REVERIE_DATA``: the tiny log as RecBole's copy of MovieLens-100K, with the three titles of the demo."""
    folder = tmp_path_factory.mktemp("shelf") / "ml-100k"
    folder.mkdir()
    events = tiny_dataset().events.with_columns(pl.col("item").str.slice(1).cast(pl.Int64))
    names = {"user": "user_id:token", "item": "item_id:token", "rating": "rating:float", "timestamp": "timestamp:float"}
    events.select(list(names)).rename(names).write_csv(folder / "ml-100k.inter", separator="\t")
    titles = {0: ("Toy Story", 1995), 1: ("Star Wars", 1977), 2: ("Fargo", 1996)}
    rows = [(item, *titles.get(item, (f"Film {item}", 1990)), "Drama") for item in range(20)]
    columns = ["item_id:token", "movie_title:token_seq", "release_year:token", "class:token_seq"]
    pl.DataFrame(rows, schema=columns, orient="row").write_csv(folder / "ml-100k.item", separator="\t")
    return folder.parent
