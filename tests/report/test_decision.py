"""What a page says to deploy: chosen on validation, with costs, cold users, cold items, freshness and commands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from reverie.data.dataset import Dataset
from reverie.data.splits import leave_one_out
from reverie.evaluation import by_kind
from reverie.evaluation.effects import at_floor
from reverie.report import leaderboard, render_report
from reverie.report.decision import decide, facts_to_decide, headline_of, next_commands
from reverie.report.figures import slice_figures
from reverie.report.plan_table import left_out_table
from reverie.report.table import Column
from reverie.report.words import options, p_value, percent
from reverie.testing import tiny_dataset
from reverie.training.plan import recipes_for
from reverie.training.run import Run, run_recipe

MODELS = ("popularity", "recent-popularity", "markov", "item-knn")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Four counting models on a log whose last events are partly about new items."""
    whole = tiny_dataset()
    late = pl.col("timestamp") > whole.events["timestamp"].quantile(0.95)
    new = "new" + pl.int_range(pl.len()).cast(pl.String)
    events = whole.events.with_columns(item=pl.when(late & (pl.col("rating") > 3)).then(new).otherwise(pl.col("item")))
    dataset = Dataset(events, whole.catalog, name="tiny")
    split = leave_one_out(dataset)
    folder = tmp_path_factory.mktemp("decision")
    recipes = recipes_for({"name": "tiny"}, {"protocol": "leave_one_out"}, MODELS, "tiny")
    runs = [run_recipe(one, folder / one.name, split=split, show=False) for one in recipes]
    return {"dataset": dataset, "split": split, "runs": runs}


def slower(run: Run, seconds: float) -> Run:
    return replace(run, fitted=replace(run.fitted, seconds=seconds, processor_seconds=seconds))


def test_validation_chooses_and_the_test_does_not(world: dict[str, Any]) -> None:
    runs = world["runs"]
    chosen = decide(leaderboard(runs)).row
    assert chosen.runs[0].valid.value("ndcg@10") == max(run.valid.value("ndcg@10") for run in runs)
    swapped = [replace(run, test=other.test) for run, other in zip(runs, [*runs[1:], runs[0]], strict=True)]
    assert decide(leaderboard(swapped)).row.runs[0].folder == chosen.runs[0].folder
    others = [replace(run, valid=runs[0].valid) if run.folder == chosen.runs[0].folder else run for run in runs]
    assert decide(leaderboard(others)).row.runs[0].folder != chosen.runs[0].folder


def test_a_cheaper_model_is_named_where_validation_does_not_show_it_to_be_worse(world: dict[str, Any]) -> None:
    best, other = (next(run for run in world["runs"] if run.recipe.model_name == name) for name in ("markov", "popularity"))
    assert decide(leaderboard([slower(best, 9.0), slower(other, 1.0)])).cheaper is None
    twin = replace(other, valid=best.valid)
    found = decide(leaderboard([slower(best, 9.0), slower(twin, 1.0)]))
    assert (found.row.model_name, found.p) == ("markov", 1.0)
    assert found.cheaper is not None
    assert found.cheaper.model_name == "popularity"
    near = decide(leaderboard([slower(best, 9.0), slower(twin, 8.0)]))
    assert near.cheaper is None, "half the time at least"


def test_a_blend_that_is_no_better_than_its_part_is_not_chosen(world: dict[str, Any]) -> None:
    best = decide(leaderboard(world["runs"])).row.runs[0]
    blend = replace(best, recipe=best.recipe.model_copy(update={"model": {"name": "blend"}, "name": "a-blend"}))
    board = leaderboard([blend, *world["runs"]])
    assert decide(board).row.model_name == best.recipe.model_name
    assert "That rests on 48 held-out items alone" in headline_of(decide(board), board)


def test_a_log_of_views_and_purchases_is_told_by_kind(world: dict[str, Any], tmp_path: Path) -> None:
    """Every other held-out item is bought, four others are left in a cart; the chosen model is told and drawn by kind."""
    events = world["dataset"].events
    users = events["user"].unique(maintain_order=True)
    last = pl.col("timestamp") == pl.col("timestamp").max().over("user")
    bought, left = pl.col("user").is_in(users.gather_every(2).implode()), pl.col("user").is_in(users[1:9:2].implode())
    kind = pl.when(last & bought).then(pl.lit("buy")).when(last & left).then(pl.lit("cart")).otherwise(pl.lit("view"))
    dataset = Dataset(events.with_columns(kind.alias("kind")), world["dataset"].catalog, name="tiny")
    split = leave_one_out(dataset)
    recipes = recipes_for({"name": "tiny"}, {"protocol": "leave_one_out"}, ("popularity", "markov"), "tiny")
    board = leaderboard([run_recipe(one, tmp_path / one.name, split=split, show=False) for one in recipes])
    row = decide(board).row
    kinds = row.tests[0].ranks["kind"]
    told = dict(facts_to_decide(board, decide(board), split, dataset))["By kind"]
    for kind_name, part in by_kind(row.tests[0]).items():
        name = kind_name.removeprefix("kind:")
        asked = set(part.ranks["query"])
        items, ends = split.test.sequences.items, list(zip(split.test.start, split.test.stop, strict=True))
        old = [query for query in asked if split.test.targets[query] in items[slice(*ends[query])]]
        share = percent(len(old) / len(asked))
        assert f"{percent(part.value('recall@10'))} of {(kinds == name).sum()} '{name}' ({share} repeats)" in told
    plain = leaderboard(world["runs"])
    assert "By kind" not in dict(facts_to_decide(plain, decide(plain), world["split"], None)), "that log knows no kinds"
    figures, table = slice_figures(board, split)
    assert [column.title for column in table.columns if isinstance(column, Column)][-3:] == ["buy", "view", "cart"]
    kinds_drawn = next(figure for figure in figures if figure.title == "What kind of event is held out")
    assert "buy · " in kinds_drawn.svg
    assert "cart · " not in kinds_drawn.svg, "four questions are not drawn"


def test_the_facts_answer_what_somebody_asks_who_deploys(world: dict[str, Any]) -> None:
    board = leaderboard(world["runs"])
    decision = decide(board)
    facts = dict(facts_to_decide(board, decision, world["split"], world["dataset"]))
    assert list(facts) == ["Accuracy", "Cheaper", "Cost", "Serving", "New people", "New items", "Freshness"]
    targets = decision.row.tests[0].ranks["target"].to_numpy()
    cold = 100 * float((world["split"].train.item_counts()[targets] == 0).mean())
    assert cold > 0
    assert facts["New items"].startswith(f"{cold:.1f}")
    times = world["dataset"].events["timestamp"]
    week = times.max() - 604_800
    first = world["dataset"].events.group_by("item").agg(pl.col("timestamp").min())
    new = first.filter(pl.col("timestamp") > week)["item"].to_list()
    recent = world["dataset"].events.filter(pl.col("timestamp") > week)
    assert f"a week old does not know the items of {100 * recent['item'].is_in(new).mean():.1f}" in facts["Freshness"]
    assert "without a new fit" in facts["New people"]
    assert "processor time" in facts["Cost"]
    served = decision.to_json()["serving"]
    assert 0 < served["median_ms"] <= served["p95_ms"]
    assert f"at the 95th percentile of {served['requests']} single requests" in facts["Serving"]
    again = facts_to_decide(board, decision, world["split"], world["dataset"])
    assert dict(again)["Serving"] == facts["Serving"], "measured once"
    untimed = replace(world["dataset"], events=world["dataset"].events.drop("timestamp"), order="none")
    assert "Freshness" not in dict(facts_to_decide(board, decision, world["split"], untimed)) or "fades" in facts["Freshness"]


def test_what_was_chosen_before_is_told_apart(tmp_path: Path) -> None:
    whole = tiny_dataset()
    twice = whole.events.with_columns(timestamp=pl.col("timestamp") + 60)
    dataset = Dataset(pl.concat([whole.events, twice.filter(pl.col("user") % 2 == 0)]), whole.catalog, name="tiny")
    split = leave_one_out(dataset)
    recipes = recipes_for({"name": "tiny"}, {"protocol": "leave_one_out"}, MODELS[2:], "tiny")
    board = leaderboard([run_recipe(one, tmp_path / one.name, split=split, show=False) for one in recipes])
    assert board.seen == "keep"
    decision = decide(board)
    said = dict(facts_to_decide(board, decision, split, dataset))["Accuracy"]
    ranks = decision.row.tests[0].ranks
    test = split.test
    fresh = [one not in test.sequences.items[a:b] for one, a, b in zip(test.targets, test.start, test.stop, strict=True)]
    chance = ((10 - ranks["greater"]) / (ranks["equal"] + 1)).clip(0, 1).filter(pl.Series(fresh)).mean()
    assert f" {100 * (1 - sum(fresh) / len(fresh)):.1f}" in said
    assert f"of the others it finds {100 * float(chance or 0):.1f}" in said  # type: ignore[arg-type]  # a mean of floats


def test_the_page_begins_with_the_answer(world: dict[str, Any]) -> None:
    board = leaderboard(world["runs"])
    left_out = {"sqn": "needs <rewards>", "cql": "needs <rewards>"}
    page = render_report(board, split=world["split"], dataset=world["dataset"], left_out=left_out)
    decision = decide(board)
    parts = [
        f"Deploy {decision.row.label}",
        "Accuracy",
        "Freshness",
        "reverie recommend",
        'id="leaderboard"',
        "needs &lt;rewards&gt;",
    ]
    places = [page.index(part) for part in parts]
    assert places == sorted(places)
    assert "<rewards>" not in page
    alone = render_report(leaderboard(world["runs"][:1]), split=world["split"], dataset=world["dataset"])
    assert "Deploy" not in alone, "there is nothing to decide"
    run = str(Path(decision.row.runs[0].folder))
    assert next_commands(decision)[0].startswith(f"reverie recommend {run} --all")


def test_models_with_one_reason_share_a_row() -> None:
    table = left_out_table({"a": "x", "b": "y", "c": "x"})
    assert [list(row) for row in table.rows] == [["a, c", "x"], ["b", "y"]]


@pytest.mark.parametrize(
    ("p", "test", "floor"),
    [
        (1 / 10_001, "sign_flip(10000)", True), (2 / 10_001, "sign_flip(10000)", False), (2 / 1001, "bootstrap(1000)", True),
        (3 / 1001, "bootstrap(1000)", False), (1e-9, "paired_t", False), (float("nan"), "sign_flip(10)", False),
    ],
)  # fmt: skip
def test_the_floor_of_a_test(p: float, test: str, floor: bool) -> None:
    assert at_floor(p, test) is floor


def test_p_values_and_blends_in_words() -> None:
    assert p_value(0.0028, at_floor=True) == "p ≤ 0.0028"
    assert p_value(0.0028) == "p = 0.0028"
    parts = [{"name": "markov", "grid": []}, {"name": "sasrec"}]
    assert options({"parts": parts, "weights": [0.2, 0.8]}) == "0.2 markov + 0.8 sasrec"
