"""The leaderboard and the report of real tiny runs."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError
from reverie.report import leaderboard, print_leaderboard, render_report, write_report
from reverie.report.words import number
from reverie.training.event_log import open_recipe_dataset
from reverie.training.recipe import RECIPES, Recipe
from reverie.training.run import run_recipe

World = dict[str, Any]
EVIL = "<b>Heat</b> & \"$x^2$\" <script>alert('x')</script>"


def write_events(path: Path, seed: int, users: int = 40, items: int = 25) -> None:
    rng = np.random.default_rng(seed)
    lines = ["user,item,timestamp"]
    for user in range(users):
        start = int(rng.integers(items))
        lines += [
            f"u{user},i{(start + step * (1 + user % 2)) % items},{1000 + 10 * step}" for step in range(int(rng.integers(4, 9)))
        ]
    path.write_text("\n".join(lines) + "\n")


def recipe(
    folder: Path, model: dict[str, Any], seed: int = 0, catalog: bool = True, events: str = "events.csv", **training: Any
) -> Recipe:
    dataset = {"name": str(folder / events)} | ({"catalog": str(folder / "items.csv")} if catalog else {})
    values = {"name": f"{model['name']}-tiny", "dataset": dataset, "model": model, "training": {"seed": seed, **training}}
    return RECIPES.parse(values, "test")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Runs of two counting models on one split with titles, one more seed, and a run on other data."""
    folder = tmp_path_factory.mktemp("report")
    write_events(folder / "events.csv", seed=1)
    write_events(folder / "other.csv", seed=2)
    evil = EVIL.replace('"', '""')
    (folder / "items.csv").write_text("item,title\n" + "".join(f'i{i},"{evil} {i}"\n' for i in range(25)))
    first = recipe(folder, {"name": "popularity"})
    dataset = open_recipe_dataset(first.dataset)
    split = split_dataset(dataset, first.split)
    runs = [
        run_recipe(recipe(folder, {"name": name}, seed), folder / f"{name}-{seed}", split=split, show=False)
        for name, seed in (("popularity", 0), ("markov", 0), ("markov", 1))
    ]
    other = run_recipe(recipe(folder, {"name": "markov"}, events="other.csv", catalog=False), folder / "other", show=False)
    return {"folder": folder, "dataset": dataset, "split": split, "runs": runs, "other": other}


class Page(HTMLParser):
    """Collects tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "action")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_leaderboard_groups_seeds_and_sorts(world: World) -> None:
    board = leaderboard(world["runs"])
    assert [row.label for row in board.rows] == ["markov", "popularity"]
    assert board.best.seeds == (0, 1)
    assert all(row.baseline for row in board.rows)
    values = [row.cells["ndcg@10"].value for row in board.rows]
    assert values == sorted(values, reverse=True)
    expected = np.mean([run.test.value("ndcg@10") for run in world["runs"][1:]])
    assert board.best.cells["ndcg@10"].value == pytest.approx(expected)
    assert board.best.cells["ndcg@10"].interval.startswith("seeds_x_clusters(2")
    (pair,) = board.differs
    assert pair.difference == pytest.approx(values[0] - values[1])
    assert pair.p_holm == pair.p
    assert board.detectable == pair.detectable > 0


def test_json_is_plain(world: World) -> None:
    plain = json.loads(json.dumps(leaderboard(world["runs"]).to_json(), allow_nan=False))
    assert [row["model"] for row in plain["rows"]] == ["markov", "popularity"]
    assert plain["dataset_sha256"] == world["split"].sha256
    assert plain["differs"][0]["other"] == "popularity"
    assert plain["rows"][0]["metrics"]["coverage@10"]["low"] is None


def test_holm_counts_every_pair(world: World) -> None:
    third = recipe(world["folder"], {"name": "co-occurrence"})
    extra = run_recipe(third, world["folder"] / "three", split=world["split"], show=False)
    board = leaderboard([*world["runs"], extra])
    assert len(board.pairs) == 3
    smallest = min(board.pairs, key=lambda pair: pair.p)
    assert smallest.p_holm == pytest.approx(min(1.0, 3 * smallest.p))
    assert len(board.differs) == 2
    assert "No baseline stands beside it" in render_report(leaderboard([extra]))
    page = render_report(board, split=world["split"])
    assert all(f'id="{part}"' in page for part in ("bias", "slices", "cost", "examples"))
    assert {row.label for row in board.rows} <= {word.strip() for word in Page(page).words}


def test_runs_that_do_not_belong_together_are_refused(world: World) -> None:
    with pytest.raises(ConfigError, match="differ in their dataset"):
        leaderboard([world["runs"][0], world["other"]])
    kept = replace(world["runs"][1], test=replace(world["runs"][1].test, seen="keep"))
    with pytest.raises(ConfigError, match="seen items"):
        leaderboard([world["runs"][0], kept])
    other_protocol = replace(world["runs"][1], facts=world["runs"][1].facts | {"protocol": "temporal"})
    with pytest.raises(ConfigError, match="differ in their protocol"):
        leaderboard([world["runs"][0], other_protocol])
    with pytest.raises(ConfigError, match="same seed"):
        leaderboard([world["runs"][0], world["runs"][0]])
    with pytest.raises(ConfigError, match="no runs"):
        leaderboard([])
    with pytest.raises(ConfigError, match="not the one that the runs were tested on"):
        render_report(leaderboard([world["other"]]), split=world["split"])


def test_rows_of_one_model_get_names_of_their_own(world: World) -> None:
    both = recipe(world["folder"], {"name": "popularity"}, on="train+valid")
    wide = run_recipe(both, world["folder"] / "refit", split=world["split"], show=False)
    labels = [row.label for row in leaderboard([world["runs"][0], wide]).rows]
    assert sorted(labels) == ["popularity", "popularity (refit)"]
    again = replace(wide, recipe=world["runs"][0].recipe.model_copy(update={"model": {"name": "popularity", "other": 1}}))
    assert len({row.label for row in leaderboard([world["runs"][0], again]).rows}) == 2


@pytest.mark.parametrize("width", [80, 110, 200])
def test_table_fits(world: World, width: int) -> None:
    out = io.StringIO()
    board = leaderboard(world["runs"])
    print_leaderboard(board, Console(file=out, width=width))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= min(width, 102)
    for row in board.rows:
        assert row.label in text
        assert number(row.cells["ndcg@10"].value) in text
    assert number(board.detectable) in text


def test_page_is_self_contained_and_escaped(world: World) -> None:
    commands = ["reverie train 'a <b> b'"]
    path = write_report(
        world["runs"], world["folder"] / "out" / "report.html", split=world["split"], dataset=world["dataset"], commands=commands
    )
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert "script" not in page.tags
    assert not {"link", "img", "iframe", "object", "base"} & set(page.tags)
    assert page.links
    assert all(link.startswith("#") for link in page.links)
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    assert "<b>Heat" not in text
    assert "&lt;b&gt;Heat&lt;/b&gt;" in text
    assert any(EVIL in word for word in page.words)
    assert "a &lt;b&gt; b" in text
    assert len(text) < 1_500_000


def test_ids_are_distinct_and_links_lead_somewhere(world: World) -> None:
    text = render_report(leaderboard(world["runs"]), split=world["split"])
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)


def test_page_says_what_was_measured(world: World) -> None:
    board = leaderboard(world["runs"])
    text = render_report(board, split=world["split"])
    words = {word.strip() for word in Page(text).words}
    for row in board.rows:
        assert row.label in words
        for name in ("recall@10", "ndcg@10", "mrr@10", "coverage@10"):
            assert number(np.mean([run.test.value(name) for run in row.runs])) in words
    assert f"{100 * board.best.cells['recall@10'].value:.1f}\u00a0% of 40 people" in text
    assert board.sha256 in text
    assert text.count("<article") == 10
    assert not re.search(r"#0[01]0[0-9a-f]0[0-9a-f]\b", text), "a colour of the page was left unreplaced"


def test_examples_show_the_lists_that_were_kept(world: World) -> None:
    board = leaderboard([world["runs"][1]])
    text = render_report(board, split=world["split"])
    said = re.search(r"first five \((\d+) of (\d+)", text)
    assert said is not None
    hits, total = int(said[1]), int(said[2])
    ranks = world["runs"][1].test.ranks
    first = world["runs"][1].test.topk.filter(world["runs"][1].test.topk["rank"] <= 5)
    found = first.join(ranks, left_on=["query", "item"], right_on=["query", "target"], how="inner")
    assert (hits, total) == (found["query"].n_unique(), len(ranks))
    assert text.count('class="found"') == min(max(5, 10 - (total - hits)), hits)


def test_single_run_without_titles_or_split(world: World) -> None:
    text = render_report(leaderboard([world["other"]]))
    assert "Who differs from whom" not in text
    assert not any(f'id="{part}"' in text for part in ("examples", "slices", "bias", "cost"))
    assert "markov" in text
    split = split_dataset(open_recipe_dataset(world["other"].recipe.dataset), world["other"].recipe.split)
    named = render_report(leaderboard([world["other"]]), split=split)
    assert "These data have no titles" in named
    assert "item i" in named


def test_learning_curves_are_drawn_where_there_are_any(world: World) -> None:
    assert 'id="training"' not in render_report(leaderboard(world["runs"]))
    history = [{"epoch": e, "loss": 3.0 / e, "valid_ndcg@10": 0.1 * e, "seconds": 1.0 * e} for e in (1, 2, 3)]
    learned = replace(world["runs"][0], fitted=replace(world["runs"][0].fitted, history=history, best_epoch=3))
    text = render_report(leaderboard([learned, world["runs"][1]]))
    assert "NDCG@10 on validation by epoch: popularity from 0.1000 to at best 0.3000" in text
    assert "best epoch 3" in text
    assert "Training loss by epoch" in text
