"""Plans of comparisons: sizes against loops over rows, costs against their terms, what is left out and why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reverie.models import list_models
from reverie.models.shelf import MODELS
from reverie.testing import tiny_dataset, tiny_split
from reverie.training.costs import expected_cost, shape_of, speed
from reverie.training.costs.model import evaluate_terms, load_costs
from reverie.training.costs.shape import Shape, sizes_of
from reverie.training.plan import BASELINES, LEARNED, Plan, plan_comparison, recipes_for

if TYPE_CHECKING:
    from reverie.data.queries import Seen
    from reverie.training.recipe import Recipe

DATASET, SPLIT = {"name": "tiny"}, {"protocol": "leave_one_out"}
LARGE = Shape(1_000_000, 2_000_000, 30_000_000, 2_000_000_000, 900_000_000, 1_000_000, 1_000_000, ((30, 1_000_000),))


def recipe(model: str) -> Recipe:
    return recipes_for(DATASET, SPLIT, [model], "tiny")[0]


def plan(models: list[str] | None = None, default: bool = False) -> Plan:
    return plan_comparison(
        recipes_for(DATASET, SPLIT, models or list(MODELS), "tiny"), tiny_dataset(), tiny_split(), default=default
    )


def test_a_shape_is_what_loops_over_the_rows_count() -> None:
    train = tiny_split().train
    lengths = [len(train.row(row)) for row in range(len(train))]
    shape = shape_of(tiny_split())
    assert (shape.users, shape.items, shape.events) == (len(lengths), 20, sum(lengths))
    assert shape.pairs == sum(length**2 for length in lengths)
    assert shape.near == sum(max(0, length - apart) for length in lengths for apart in range(1, 51))


@pytest.mark.parametrize(("model", "history"), [("sasrec", 50), ("dreamrec", 10)])
def test_sizes_of_examples_are_what_loops_over_the_rows_count(model: str, history: int) -> None:
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, 120, 300).tolist()
    shape = replace(LARGE, lengths=tuple((n, lengths.count(n)) for n in sorted(set(lengths))), events=sum(lengths))
    sizes = sizes_of(recipe(model), shape)
    windows = sum(-(-(length - 1) // history) for length in lengths)
    assert sizes["row_steps"] == -(-windows // sizes["batch"])
    assert sizes["event_steps"] == -(-sum(lengths) // sizes["batch"])
    assert sizes["prefixes"] == sum(min(at, history) for length in lengths for at in range(1, length + 1))


@pytest.mark.parametrize("model", list_models())
def test_every_model_has_a_cost_that_grows_with_the_log(model: str) -> None:
    small, large = (expected_cost(recipe(model), shape) for shape in (shape_of(tiny_split()), LARGE))
    assert 0 < small.seconds <= small.most
    assert small.seconds < large.seconds <= large.most
    assert 0 < small.megabytes < large.megabytes
    assert small.spread >= 1


def test_a_cost_is_the_sum_of_its_terms() -> None:
    sizes = {"one": 1.0, "items": 20.0, "events": 300.0}
    assert evaluate_terms({"one": 0.5, "items items": 0.01, "events items": 1e-3}, sizes) == pytest.approx(0.5 + 4 + 6)
    assert {term for costs in load_costs().models.values() for term in costs.fit | costs.epoch | costs.megabytes}
    assert speed() > 0


def test_the_default_set_is_what_counts_and_what_is_named() -> None:
    made = plan(default=True)
    counting = {name for name in MODELS if "counts" in MODELS[name].tags and "by-name" not in MODELS[name].tags}
    assert {row.recipe.model_name for row in made.kept} == counting | (set(LEARNED) & set(MODELS))
    assert set(made.left_out) == set(MODELS) - counting - set(LEARNED)
    assert "--models all" in made.left_out["gru4rec"]
    assert "--models all" in made.left_out["als"]
    assert "needs rewards" in made.left_out["sqn"]
    assert set(plan().left_out) < set(made.left_out)


@pytest.mark.parametrize("seen", ["keep", "remove"])
def test_items_of_the_history_are_a_baseline_where_they_may_come_again(seen: Seen) -> None:
    split = tiny_split()
    split = replace(split, test=replace(split.test, seen=seen))
    made = plan_comparison(recipes_for(DATASET, SPLIT, ["markov", "last-items"], "tiny"), tiny_dataset(), split)
    assert ("last-items" in made.left_out) is (seen == "remove")


def test_a_matrix_of_all_items_is_not_made_by_default_where_it_takes_much_of_the_memory() -> None:
    from reverie.training.plan import Planned, reason_of_default

    row = Planned("ease", recipe("ease"), 1, expected_cost(recipe("ease"), LARGE))
    assert row.cost.megabytes > 8 * LARGE.items**2 / 2**20
    assert "third of the free memory" in reason_of_default(row, room=10_000)
    assert reason_of_default(replace(row, cost=expected_cost(recipe("ease"), shape_of(tiny_split()))), room=10_000) == ""


@pytest.mark.parametrize("minutes", [1e-6, 1e-3, 0.1, 10.0, 1e6])
def test_minutes_keep_what_fits_baselines_first(minutes: float) -> None:
    whole = replace(plan(["popularity", "markov", "ease", "sasrec", "gru4rec", "dreamrec"]), pace=0.1)
    cut = whole.within(minutes)
    assert cut.total() <= 60 * minutes
    assert {row.label for row in cut.rows} == {row.label for row in whole.rows}
    for row in whole.kept:
        if row.label in cut.left_out:
            assert cut.total() + whole.seconds(row) > 60 * minutes
    if any(row.label not in BASELINES for row in cut.kept):
        dropped = [row for row in whole.kept if row.label in cut.left_out and row.label in BASELINES]
        assert not dropped


def test_a_blend_costs_what_its_parts_cost() -> None:
    shape = shape_of(tiny_split())
    parts = [{"name": "markov"}, {"name": "sasrec", "dim": 32}]
    blend = recipe("blend")
    alone = expected_cost(blend, shape)
    whole = expected_cost(blend.model_copy(update={"model": {"name": "blend", "parts": parts}}), shape)
    each = [expected_cost(blend.model_copy(update={"model": part}), shape).seconds for part in parts]
    assert whole.seconds == pytest.approx(alone.seconds + sum(each))


@pytest.mark.parametrize(("models", "left"), [(["blend"], True), (["blend", "markov"], True), (["blend", "markov", "ease"], False)])
def test_a_blend_of_the_comparison_needs_two_others(models: list[str], left: bool) -> None:
    assert ("blend" in plan(models).left_out) is left
