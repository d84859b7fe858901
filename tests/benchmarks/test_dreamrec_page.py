from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from reverie.data.batch import SequenceBatch
from reverie.data.plans import create_plan
from reverie.data.splits import by_sequence
from reverie.diffusion.noising import extrapolate
from reverie.evaluation import evaluate
from reverie.models import create_model
from reverie.models.dreamrec.config import DreamRecConfig
from reverie.models.dreamrec.model import DreamRec
from reverie.nn.states import last_states
from reverie.testing import tiny_dataset
from reverie.training.recipe import RECIPES, load_recipe

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
MODULES = ("chain", "controls", "lists", "page", "regression", "runs", "sweeps", "systems", "table")
TINY = {"dim": 8, "steps": 20, "history": 4}


@pytest.fixture(scope="module")
def parts() -> Iterator[SimpleNamespace]:
    """The modules of the folder, which the script finds beside it."""
    before = list(sys.path)
    sys.path.insert(0, str(BENCHMARKS))
    yield SimpleNamespace(**{name: importlib.import_module(f"dreamrec_page.{name}") for name in MODULES})
    sys.path[:] = before


@pytest.fixture(scope="module")
def split() -> Any:
    return by_sequence(tiny_dataset(users=60, items=15))


@pytest.fixture(scope="module")
def found(parts: SimpleNamespace, split: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, int], Any]:
    """DreamRec with all its rankings, popularity, a regression and the model without noise, on tiny data."""
    store = tmp_path_factory.mktemp("runs")
    base = tiny_recipe("dreamrec", **TINY)
    every = [
        parts.systems.System("dreamrec", base, seeds=(0, 1), views=parts.systems.VIEWS),
        parts.systems.System("popularity", tiny_recipe("popularity")),
        parts.systems.System("sasrec", tiny_recipe("sasrec", dim=8, blocks=1, history=4)),
        parts.systems.System("noise-off", base.model_copy(update={"name": "dreamrec-tiny-noise-off"}), "noise-off"),
        parts.systems.ridge(base, "ridge-trained"),
    ]
    every[-1] = parts.systems.System("ridge-trained", every[-1].recipe, "ridge-trained", (0, 1))
    return {key: done for system in every for key, done in parts.runs.measured(system, split, store).items()}


def tiny_recipe(model: str, **options: Any) -> Any:
    training = {"epochs": 2, "batch_size": 64, "metric": "ndcg@20"}
    values = {"name": f"{model}-tiny", "dataset": {"name": "tiny"}, "split": {"protocol": "by_sequence"}, "training": training}
    return RECIPES.parse(values | {"model": {"name": model, **options}}, "test")


def some_batch(split: Any, history: int = 4) -> SequenceBatch:
    plan = create_plan("prefixes-with-empty", split.train, history)
    return plan.batch(np.arange(0, len(plan), 5))


def test_inputs_of_the_regression_are_the_latest_items_first_and_zeros_where_there_is_none(parts: SimpleNamespace) -> None:
    table = torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    batch = SequenceBatch(torch.tensor([[1, 3, 0], [2, 0, 0], [0, 0, 0]]), torch.tensor([2, 1, 0]), torch.full((3,), -1))
    found = parts.regression.latest_first(batch, table, 3)
    assert found.tolist() == [[3, 30, 1, 10, 0, 0], [2, 20, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]


@pytest.mark.parametrize("strength", [1e-4, 0.3, 10.0])
def test_regression_is_least_squares_with_a_penalty_on_the_weights_alone(parts: SimpleNamespace, strength: float) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 5)) + 1, rng.normal(size=(40, 3)) - 2
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)
    weight, bias = parts.regression.ridge_solver(40, tx.sum(0), ty.sum(0), tx.T @ tx, tx.T @ ty)(strength)
    penalty = strength * 40 * x.var(axis=0).mean()
    rows = np.vstack([np.hstack([x, np.ones((40, 1))]), np.hstack([np.sqrt(penalty) * np.eye(5), np.zeros((5, 1))])])
    expected = np.linalg.lstsq(rows, np.vstack([y, np.zeros((5, 3))]), rcond=None)[0]
    np.testing.assert_allclose(np.vstack([weight, bias]), expected, atol=1e-10)


def test_regression_learns_from_every_prefix_and_chooses_its_strength(parts: SimpleNamespace, split: Any) -> None:
    table = torch.randn(split.vocabulary.n_items, 6, generator=torch.Generator().manual_seed(0))
    model = parts.regression.Ridge(parts.regression.RidgeConfig(history=4), split.vocabulary, table)
    asked: list[float] = []

    def measure() -> float:
        asked.append(float(model.weight.norm()))
        return -abs(len(asked) - 3)  # the third is the best

    assert model.fit_counts(split.train, measure) == {"strength": parts.regression.STRENGTHS[2]}
    assert asked == sorted(asked, reverse=True)
    assert float(model.weight.norm()) == asked[2]
    batch = create_plan("prefixes-with-empty", split.train, 4).batch(np.arange(split.train.n_events))
    x = torch.cat([parts.regression.latest_first(batch, model.table, 4), torch.ones(batch.size, 1)], 1)
    y = model.table[batch.targets - 1]
    variance = x[:, :-1].var(dim=0, correction=0).mean()
    penalty = torch.eye(25, dtype=torch.float64) * parts.regression.STRENGTHS[2] * variance * len(x)
    penalty[-1, -1] = 0
    expected = torch.linalg.solve(x.T @ x + penalty, x.T @ y)
    torch.testing.assert_close(torch.cat([model.weight, model.bias[None]]), expected)
    torch.testing.assert_close(model.scores(batch), x @ expected @ model.table.T)


def test_without_noise_the_denoiser_is_asked_at_zero(parts: SimpleNamespace, split: Any) -> None:
    torch.manual_seed(0)
    model = parts.controls.NoiseOff(DreamRecConfig(**TINY, p_uncond=0, dropout=0), split.vocabulary)
    batch, zeros = some_batch(split), torch.zeros(1, dtype=torch.int64)
    h = last_states(model.encoder(model.items.encode(batch.items), batch.items > 0), batch.lengths)
    answer = model.denoiser(torch.zeros_like(h), h, zeros)
    expected = (answer - model.items.encode(batch.targets)).square().mean()
    torch.testing.assert_close(model.loss(batch)["loss"], expected)
    nothing = model.denoiser(torch.zeros_like(h), model.null.expand_as(h), zeros)
    torch.testing.assert_close(model.eval().represent(batch), 5 * answer - 4 * nothing)


def test_encoder_alone_is_trained_by_cross_entropy_and_ranks_by_its_own_vector(parts: SimpleNamespace, split: Any) -> None:
    torch.manual_seed(0)
    model = parts.controls.EncoderAlone(DreamRecConfig(**TINY, dropout=0), split.vocabulary)
    batch = some_batch(split)
    scores = model.scores(batch)
    rows = torch.arange(batch.size)
    assert batch.targets is not None
    expected = (scores.logsumexp(1) - scores[rows, batch.targets - 1]).mean()
    torch.testing.assert_close(model.loss(batch)["loss"], expected)


def test_a_frozen_table_gets_no_gradient(parts: SimpleNamespace, split: Any) -> None:
    model = parts.controls.frozen_table(DreamRecConfig(**TINY), split.vocabulary)
    model.loss(some_batch(split))["loss"].backward()
    assert model.items.weight.grad is None
    assert model.null.grad is not None


def test_other_rankings_of_the_same_vectors(parts: SimpleNamespace, split: Any) -> None:
    model = create_model("dreamrec", split, **TINY)
    assert isinstance(model, DreamRec)
    model.eval()
    batch = some_batch(split)
    with torch.no_grad():
        distances = torch.cdist(model.represent(batch), model.item_table())
        near = parts.controls.nearest_first(model).scores(batch)
        few = split.train.take(np.arange(1))
        known = parts.controls.trained_only(model, few).scores(batch)
    assert torch.equal(near.argsort(1, descending=True), distances.argsort(1))
    seen = np.unique(few.items[few.positions()])
    assert set(known.topk(len(seen), 1).indices.flatten().tolist()) == {int(code) - 1 for code in seen}


def test_untrained_items_are_ranked_first_in_random_order(parts: SimpleNamespace, split: Any) -> None:
    model = parts.controls.NewItems(parts.controls.NewItemsConfig(), split.vocabulary)
    few = split.train.take(np.arange(1))
    assert model.fit_counts(few) == {}
    new = np.flatnonzero(few.item_counts()[1:] == 0) + 1
    measured = evaluate(model, split.test, top=0)
    cold = np.isin(split.test.targets, new).mean()
    assert 5 < len(new) < split.vocabulary.n_items
    assert measured.value("recall@5") == pytest.approx(cold * 5 / len(new))
    assert model.scores(some_batch(split), torch.tensor([[1, 2]])).shape == (1, 2)


def test_hits_are_divided_by_whether_training_has_the_target(parts: SimpleNamespace, split: Any) -> None:
    model: Any = create_model("popularity", split)
    few = split.train.take(np.arange(2))
    model.fit_counts(few)
    measured = evaluate(model, split.test)
    row = parts.lists.untrained_rows("x", few.item_counts(), {"popularity": measured}, k=13)[0]
    cold = few.item_counts()[split.test.targets] == 0
    greater, equal = (measured.ranks[name].to_numpy() for name in ("greater", "equal"))
    expected = (np.clip(13 - greater, 0, equal + 1) / (equal + 1))[cold].sum() / len(cold)
    assert row["value"] == pytest.approx(expected)
    assert 0 < row["value"] < measured.value("recall@13")


def test_chain_without_noise_is_the_exact_mean(parts: SimpleNamespace, split: Any) -> None:
    model = create_model("dreamrec", split, **TINY)
    assert isinstance(model, DreamRec)
    model.eval()
    with torch.no_grad():
        h = parts.chain.guidance(model, split.test, 6, 0)
        silent = parts.chain.walk(model, h, parts.chain.Silence((6, 8), torch.Generator(), h))
        mean = model.sampler.mean(extrapolate(h, model.null, 4.0))
    torch.testing.assert_close(silent, mean, rtol=1e-4, atol=1e-4)


def test_averaged_draws_approach_the_mean_as_the_law_says(
    parts: SimpleNamespace, found: dict[tuple[str, str, int], Any], split: Any
) -> None:
    rows = parts.chain.law_rows(found["dreamrec", "train", 0].run, split, histories=20, draws=64)
    values = {row["metric"]: row["value"] for row in rows}
    assert len([name for name in values if name.startswith("eigenvalue")]) == 8
    for n in (1, 8):
        assert values[f"mean of {n} draws, measured"] == pytest.approx(values[f"mean of {n} draws, by the law"], rel=0.15)
    assert values["chain without noise, distance to the mean"] < 1e-4 * values["length of the mean"]


def test_rankings_by_other_samplers_use_the_same_weights(
    parts: SimpleNamespace, found: dict[tuple[str, str, int], Any], split: Any
) -> None:
    run = found["dreamrec", "train", 1].run
    other = parts.runs.with_options(run, sampler={"kind": "ddpm"}, guidance=1.0)
    assert other.config.guidance == 1.0
    assert all(torch.equal(a, b) for a, b in zip(other.state_dict().values(), run.model().state_dict().values(), strict=True))
    again = evaluate(parts.runs.VIEWS["500-steps"](run, split), split.test, train=split.train)
    assert again.ranks.equals(found["dreamrec 500-steps", "train", 1].run.test.ranks)


def test_finished_runs_are_read_and_not_made_again(parts: SimpleNamespace, split: Any, tmp_path: Path) -> None:
    recipe = tiny_recipe("popularity")
    first = parts.runs.fitted_on_validation("popularity", recipe, split, tmp_path)
    mark = (tmp_path / "popularity-tiny-validation" / "result.json").stat().st_mtime_ns
    second = parts.runs.fitted_on_validation("popularity", recipe, split, tmp_path)
    assert second.run.test.ranks.equals(first.run.test.ranks)
    assert (tmp_path / "popularity-tiny-validation" / "result.json").stat().st_mtime_ns == mark
    assert second.run.recipe.training.on == "valid"
    other = recipe.model_copy(update={"training": recipe.training.model_copy(update={"seed": 5})})
    with pytest.raises(SystemExit, match="another recipe"):
        parts.runs.fitted_on_validation("popularity", other, split, tmp_path)


def test_the_list_of_the_validation_part_is_counted_there_alone(parts: SimpleNamespace, split: Any, tmp_path: Path) -> None:
    done = parts.runs.fitted_on_validation("popularity", tiny_recipe("popularity"), split, tmp_path)
    users = set(split.valid.users.tolist())
    rows = [row for row, user in enumerate(split.refit.users.tolist()) if user in users]
    counts = split.refit.take(np.array(rows)).item_counts()
    target = done.run.test.ranks["target"].to_numpy()
    expected = [(counts[1:] > counts[t]).sum() for t in target]
    assert done.run.test.ranks["greater"].to_list() == expected


def test_table_holds_runs_pooled_seeds_and_differences(
    parts: SimpleNamespace, found: dict[tuple[str, str, int], Any], tmp_path: Path
) -> None:
    known = {name for name, _, _ in found}
    chosen = [(against, tuple(n for n in names if n in known)) for against, names in parts.table.DIFFERENCES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts.table, "DIFFERENCES", tuple(chosen))
        parts.table.write_table(tmp_path / "table.csv", found)
    frame = pl.read_csv(tmp_path / "table.csv", schema_overrides={"seed": pl.String, "against": pl.String})
    plain = frame.filter(slice="all", seen="keep", metric="recall@20", row="dreamrec", fit_on="train")
    assert plain["seed"].to_list() == ["0", "1", "0-1"]
    assert plain["value"][2] == pytest.approx(plain["value"][:2].mean(), abs=1e-6)
    assert plain["valid"].null_count() == 0
    refit = frame.filter(row="dreamrec", fit_on="train+valid", metric="recall@20")
    assert refit["valid"].null_count() == refit.height
    difference = frame.filter(row="dreamrec 500-steps", against="dreamrec", metric="recall@20 difference", fit_on="train")
    rows = frame.filter(slice="all", seen="keep", metric="recall@20", fit_on="train")
    first, other = (rows.filter(row=row)["value"][-1] for row in ("dreamrec 500-steps", "dreamrec"))
    assert difference["value"][0] == pytest.approx(first - other, abs=2e-6)
    assert difference["interval"].to_list() == ["paired_cluster_bootstrap(1000)"]
    assert frame.filter(row="noise-off", against="dreamrec")["interval"].unique().to_list() == ["paired_seeds_x_clusters(1000)"]


def test_stacked_evaluations_keep_their_mean_and_their_clusters(
    parts: SimpleNamespace, found: dict[tuple[str, str, int], Any]
) -> None:
    tests = [found["dreamrec", "train", seed].run.test for seed in (0, 1)]
    both = parts.table.stacked(tests)
    assert both.value("ndcg@10") == pytest.approx(np.mean([test.value("ndcg@10") for test in tests]))
    assert set(both.ranks["cluster"]) == set(tests[0].ranks["cluster"])
    assert both.ranks["query"].n_unique() == 2 * tests[0].ranks["query"].n_unique()


def test_item_groups_divide_the_catalogue(parts: SimpleNamespace) -> None:
    groups = parts.sweeps.item_groups(np.array([5, 0, 9, 1, 0, 2, 2, 1, 3, 0]))
    assert {name: index.tolist() for name, index in groups.items()} == {
        "frequent": [0, 2],
        "rare": [3, 5, 6, 7, 8],
        "untrained": [1, 4, 9],
    }


@pytest.mark.filterwarnings("ignore:model '.*' is not fitted")
def test_a_watched_training_tells_its_norms_and_losses(parts: SimpleNamespace, split: Any) -> None:
    rows = parts.sweeps.collapse_rows("tiny", tiny_recipe("dreamrec", **TINY), split, 4, 2)
    by_epoch: dict[str, dict[str, float]] = {}
    for row in rows:
        by_epoch.setdefault(row["case"], {})[row["metric"]] = row["value"]
    assert list(by_epoch) == [f"collapse tiny, epoch 00{n}" for n in (0, 2, 4)]
    before, _, after = by_epoch.values()
    assert before["norm of frequent items"] != after["norm of frequent items"]
    assert "loss" not in before
    assert after["loss"] > 0


def test_windows_of_popularity_run_back_from_the_test(parts: SimpleNamespace, split: Any) -> None:
    rows = parts.sweeps.staleness_rows(split, 2)
    size = len(split.refit) - len(split.train)
    model: Any = create_model("popularity", split)
    model.fit_counts(split.refit.take(np.arange(len(split.refit) - 2 * size, len(split.refit) - size)))
    expected = evaluate(model, split.test, top=0).value("recall@20")
    assert next(r["value"] for r in rows if r["case"].endswith("02") and r["metric"] == "recall@20") == pytest.approx(expected)


def test_every_system_of_the_page_can_be_made(parts: SimpleNamespace) -> None:
    every = parts.systems.systems()
    assert len({system.recipe.name for system in every}) == len(every)
    assert every[0].recipe == load_recipe("dreamrec-zhihu")
    built = {system.build for system in every} - {"", "ridge-trained", "ridge-random", "new-items"}
    assert built == set(parts.controls.BUILDS)
    assert tuple(parts.runs.VIEWS) == parts.systems.VIEWS
    rows = {system.key for system in every} | {f"{s.key} {view}" for s in every for view in s.views}
    rows = {"encoder-alone" if row.startswith("encoder-lr") else row for row in rows}
    assert rows == set(parts.page.LABELS)


def test_the_page_is_what_its_tables_and_its_template_say(parts: SimpleNamespace) -> None:
    numbers = parts.page.Numbers.read(parts.page.TABLE, parts.page.FACTS)
    assert parts.page.page(numbers) == parts.page.PAGE.read_text(encoding="utf-8")
