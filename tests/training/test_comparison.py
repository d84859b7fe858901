"""Comparisons: what fails is a row with its reason, time is limited, and a blend is made of the best finished runs."""

from __future__ import annotations

import time
from itertools import chain, repeat
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from reverie.testing import tiny_dataset, tiny_split
from reverie.training import comparison
from reverie.training import run as running
from reverie.training.comparison import Comparison, run_plan
from reverie.training.plan import LONELY, Plan, plan_comparison, recipes_for

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from reverie.training.run import Run


def made(models: list[str], settings: dict[str, Any] | None = None) -> Plan:
    recipes = recipes_for({"name": "tiny"}, {"protocol": "leave_one_out"}, models, "tiny")
    quick = [
        one.model_copy(update={"training": one.training.model_copy(update={"epochs": 1, **(settings or {})})}) for one in recipes
    ]
    return plan_comparison(quick, tiny_dataset(), tiny_split())


def test_an_error_that_nobody_foresaw_is_a_row_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit: Any = running.fit  # type: ignore[attr-defined]  # what it imported

    def break_off(model: Any, *arguments: Any, **options: Any) -> Any:
        if model.card.name == "markov":
            raise KeyError("count")
        return fit(model, *arguments, **options)

    monkeypatch.setattr(running, "fit", break_off)
    found = run_plan(made(["markov", "popularity"]), Comparison(tiny_dataset(), tiny_split()), tmp_path, show=False)
    assert [run.recipe.model_name for run in found.runs] == ["popularity"]
    assert found.skipped["markov"].startswith("broke off (KeyError: 'count');")
    assert "Traceback" in (tmp_path / "markov-tiny-seed0" / "error.txt").read_text()
    monkeypatch.undo()
    again = run_plan(made(["markov", "popularity"]), Comparison(tiny_dataset(), tiny_split()), tmp_path, show=False)
    assert len(again.runs) == 2


def test_what_would_begin_after_the_minutes_is_left_out(tmp_path: Path) -> None:
    split = Comparison(tiny_dataset(), tiny_split())
    first = run_plan(made(["popularity"]), split, tmp_path, show=False)
    assert len(first.runs) == 1
    late = run_plan(made(["popularity", "markov"]), Comparison(tiny_dataset(), tiny_split()), tmp_path, show=False, minutes=-1)
    assert [run.recipe.model_name for run in late.runs] == ["popularity"], "what is finished stays"
    assert "minutes were used up" in late.skipped["markov"]


def test_a_training_ends_with_the_minutes_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = made(["popularity", "mf"], {"epochs": 3, "checkpoint_seconds": 0})
    ticks = chain([0.0] * 4, repeat(1e9))  # the limit, the begin of each, and the first epoch
    monkeypatch.setattr(comparison, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    cut = run_plan(planned, Comparison(tiny_dataset(), tiny_split()), tmp_path, show=False, minutes=60)
    assert cut.skipped["mf"] == "the minutes were used up after 2 epochs; the same command with more goes on"
    monkeypatch.undo()
    assert (tmp_path / "mf-tiny-seed0" / "state").exists()
    whole = run_plan(planned, Comparison(tiny_dataset(), tiny_split()), tmp_path, show=False, minutes=60)
    other = run_plan(planned, Comparison(tiny_dataset(), tiny_split()), tmp_path / "at once", show=False)
    assert [run.test.value("ndcg@10") for run in whole.runs] == [run.test.value("ndcg@10") for run in other.runs]


def test_a_blend_is_made_of_the_best_finished_runs_of_its_seed(tmp_path: Path) -> None:
    models = ["popularity", "recent-popularity", "markov", "co-occurrence", "item-knn", "blend"]
    found = run_plan(made(models), Comparison(tiny_dataset(), tiny_split()), tmp_path, seeds=2, show=False)
    blends = [run for run in found.runs if run.recipe.model_name == "blend"]
    assert [run.recipe.training.seed for run in blends] == [0, 1]
    for run in blends:
        alone = [one for one in found.runs if one.recipe.model_name != "blend" and same_seed(one, run)]
        best = sorted(alone, key=lambda one: -one.valid.value("ndcg@10"))[:4]
        assert {part["run"] for part in run.recipe.model_options["parts"]} == {str(one.folder) for one in best}
        assert run.valid.value("ndcg@10") >= best[0].valid.value("ndcg@10") - 1e-9
    again = run_plan(made(models), Comparison(tiny_dataset(), tiny_split()), tmp_path, seeds=2, show=False)
    assert [run.facts for run in again.runs] == [run.facts for run in found.runs]


def same_seed(one: Run, other: Run) -> bool:
    return one.recipe.training.seed == other.recipe.training.seed


def test_a_blend_of_nothing_is_left_out(tmp_path: Path) -> None:
    found = run_plan(made(["popularity", "blend"]), Comparison(tiny_dataset(), tiny_split()), tmp_path, show=False)
    assert found.skipped == {"blend": LONELY}


def test_a_fit_tells_processor_time_and_load_and_a_search_its_progress(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begin = time.process_time()
    found = run_plan(made(["markov", "sasrec"]), Comparison(tiny_dataset(), tiny_split()), tmp_path, show=True)
    spent = time.process_time() - begin
    assert 0 < sum(run.fitted.processor_seconds or 0 for run in found.runs) <= spent
    assert all(run.fitted.load is not None for run in found.runs)
