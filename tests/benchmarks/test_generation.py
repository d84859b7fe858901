"""What generation buys: the whole command at toy size, the table it writes, and the page made of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from reverie.evaluation import evaluate
from reverie.evaluation.beyond_accuracy import list_recall, union_lists
from reverie.models import create_model
from reverie.study.rows import COLUMNS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def generation() -> Iterator[dict[str, Any]]:
    """The benchmark's modules, which are no part of the package."""
    before = list(sys.path)
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import generation.__main__ as command
    from generation import lists, page, plan

    yield {"command": command, "lists": lists, "page": page, "plan": plan}
    sys.path[:] = before


@pytest.fixture(scope="module")
def small(generation: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generation")
    settings = replace(generation["plan"].SMALL, samplers=((1, 0.0), (4, 1.0)), guidance=(1.0,))
    generation["command"].measure("tiny", settings, folder / "runs", folder / "generation.csv")
    generation["page"].write_page(folder / "generation.csv", folder / "results" / "generation.md")
    return folder


def test_the_table_holds_every_row_with_its_interval(generation: Any, small: Path) -> None:
    table = pl.read_csv(small / "generation.csv")
    assert table.columns == [*COLUMNS, "list_length", "method"]
    assert set(table["model"]) == {"popularity", "markov", "co-occurrence", "sasrec", "comirec", "daydream", "daydream-noise-off"}
    assert set(table["protocol"]) == {"leave_one_out(last=5)"}
    methods = table.filter(pl.col("metric") == "recall@5")["method"].str.split(":").list.first().to_list()
    assert sorted(methods) == sorted(
        ["own list"] * 7 + ["MMR"] * 2 + [m for m in methods if re.fullmatch(r"union of [23] draws(, n chosen)?", m)]
    )
    assert sum(", n chosen" in m for m in methods) == 1
    assert sum("union" in m for m in methods) == 2
    recalls = table.filter(pl.col("metric").str.contains(r"^recall@\d$"))
    assert ((recalls["low"] <= recalls["value"]) & (recalls["value"] <= recalls["high"])).all()
    likelihood = table.filter(pl.col("metric") == "log-likelihood")
    for plain, fitted in zip(likelihood["value"][::2], likelihood["value"][1::2], strict=True):
        assert plain < 0
        assert fitted > plain - 0.1


def test_differences_are_those_of_the_recalls(small: Path) -> None:
    table = pl.read_csv(small / "generation.csv").filter(pl.col("list_length") == 3)
    recall = {(row["model"], row["method"]): row["value"] for row in table.filter(pl.col("metric") == "recall@3").to_dicts()}
    own = {model: value for (model, method), value in recall.items() if method == "own list"}
    differences = table.filter(pl.col("metric").str.starts_with("recall@3 minus")).to_dicts()
    assert len(differences) == 15
    for row in differences:
        other = row["metric"].removeprefix("recall@3 minus ")
        if other in own:
            assert row["value"] == pytest.approx(recall[row["model"], row["method"]] - own[other], abs=1e-5)


@pytest.mark.filterwarnings("ignore:model '.*' is not fitted")
def test_lists_are_what_the_model_ranks_first(generation: Any) -> None:
    split, lists = generation["plan"].open_split("tiny"), generation["lists"]
    model: Any = create_model("daydream", split, dim=8, history=8, steps=8, noise=False).eval()  # type: ignore[attr-defined]  # a module
    own = lists.own_lists(evaluate(model, split.test, top=6), 6)
    drawn = lists.drawn_lists(model, split.test, 3, 6)
    assert (drawn.lists == own[:, None]).all()
    np.testing.assert_allclose(drawn.cosine, 1.0, atol=1e-5)
    assert (union_lists(drawn.lists, 6) == own).all()
    varied = lists.varied_lists(model, split.test, (0.2, 1.0), 6, 12)
    assert (varied[1.0] == own).all()
    assert (varied[0.2] != own).any()
    vectors = lists.vectors_of(model, split.test)
    best = (vectors @ model.item_table().T).detach().numpy().argmax(1) + 1
    history = {
        q: set(split.test.sequences.items[a:b].tolist())
        for q, (a, b) in enumerate(zip(split.test.start, split.test.stop, strict=True))
    }
    unseen = [q for q in range(len(split.test)) if int(best[q]) not in history[q]]
    assert unseen
    assert (best[unseen] == own[unseen, 0]).all()
    assert list_recall(own, split.test.targets, split.test.offsets).mean() > 0


def test_the_page_shows_the_table(generation: Any, small: Path) -> None:
    page = (small / "results" / "generation.md").read_text(encoding="utf-8")
    assert (small / "figures" / "generation.svg").stat().st_size > 5_000
    table = pl.read_csv(small / "generation.csv")
    for row in table.filter(pl.col("metric").str.contains(r"^recall@\d$")).to_dicts():
        assert f"| {row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}] |" in page
    cells = [line.count("|") for line in page.splitlines() if line.startswith("| ")]
    assert set(cells) == {8, 4, 5}
    assert "Nothing is measured yet" not in page


def test_rows_of_other_datasets_stay_in_the_table(generation: Any, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes((small / "generation.csv").read_bytes())
    rows = [row | {"dataset": "other"} for row in pl.read_csv(path, infer_schema=False).head(2).to_dicts()]
    generation["page"].write_table(path, rows)
    generation["page"].write_table(path, rows[:1])
    table = pl.read_csv(path)
    assert table["dataset"].value_counts().sort("dataset")["count"].to_list() == [1, pl.read_csv(small / "generation.csv").height]


def test_the_committed_page_is_that_of_the_committed_table(generation: Any, tmp_path: Path) -> None:
    generation["page"].write_page(ROOT / "results" / "generation.csv", tmp_path / "results" / "generation.md")
    written, committed = tmp_path / "results" / "generation.md", ROOT / "docs" / "results" / "generation.md"
    assert written.read_text(encoding="utf-8") == committed.read_text(encoding="utf-8")


def test_recipes_of_the_real_data_are_valid_and_share_a_split(generation: Any) -> None:
    for dataset in generation["command"].DATASETS:
        made = generation["plan"].recipes(dataset)
        assert {recipe.dataset.name for recipe in made.values()} == {dataset}
        assert {recipe.split.last for recipe in made.values()} == {5}
        assert made["daydream-noise-off"].model == made["daydream"].model | {"noise": False}
