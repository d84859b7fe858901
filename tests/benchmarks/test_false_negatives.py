"""The study of false negatives, and the page of objectives, on a small copy of a registered dataset."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
FAST = ["training.epochs=1", "training.batch_size=64", "model.dim=4", "evaluation.ks=[20]"]


def _script(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def lastfm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data" / "cf-lastfm-lightgcn"
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for name, kept in (("data1.txt", slice(0, 12)), ("test1.txt", slice(12, 15))):
        lines = [f"{user}\t{item}\t1" for user in range(1, 31) for item in generator.permutation(40)[kept] + 1]
        (folder / name).write_text("\n".join(dict.fromkeys(lines)) + "\n")
        generator = np.random.default_rng(0)  # the same permutations, so that no pair is in both parts
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path / "data"))
    return tmp_path


def test_rates_are_trained_measured_and_drawn(lastfm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = _script("false_negatives", BENCHMARKS / "false_negatives.py")
    table, plot = lastfm / "table.csv", lastfm / "plot.svg"
    words = ["--losses", "mf-info-nce", "mf-bsl", "--rates", "0", "0.4", "--seeds", "1", "--set", *FAST]
    study.main([*words, "--table", str(table), "--store", str(lastfm / "runs"), "--out", str(plot)])
    with table.open(encoding="utf-8", newline="") as handle:
        lines = list(csv.DictReader(handle))
    assert {line["recipe"] for line in lines} == {
        f"mf-{loss}-cf-lastfm-false{rate}" for loss in ("info-nce", "bsl") for rate in ("00", "40")
    }
    assert {line["slice"] for line in lines} == {"all", "target:rare", "target:popular"}
    clean, noisy = (study.recipe_of("mf-bsl", "cf-lastfm", rate, 0) for rate in (0.0, 0.4))
    assert (clean.model["objective"]["false_negatives"], noisy.model["objective"]["false_negatives"]) == (0.0, 0.4)
    assert clean.model["objective"]["loss"] == noisy.model["objective"]["loss"]
    curves = study.curves(table, "recall@20", "all")["cf-lastfm"]
    assert set(curves["mf-bsl"]) == {0.0, 0.4}
    assert "<svg" in plot.read_text(encoding="utf-8")
    before = plot.read_bytes()
    study.main(["--plot", "--table", str(table), "--out", str(plot)])
    assert plot.read_bytes() == before


def test_the_page_shows_published_rows_ours_and_paired_differences(lastfm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reverie.study.rows import append_rows
    from reverie.training.recipe import cell_recipe, change_recipe, load_suite
    from reverie.training.run import result_rows, run_recipe

    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.syspath_prepend(str(BENCHMARKS / "tables"))
    from objectives_page.compared import compared
    from objectives_page.released import released_settings
    from objectives_page.users import collaborative

    table = lastfm / "results" / "collaborative.csv"
    for row in ("popularity", "mf-info-nce", "mf-bsl"):
        for seed in (0, 1):
            settings = FAST if row != "popularity" else FAST[3:]
            recipe = change_recipe(cell_recipe(load_suite("collaborative"), row, "cf-lastfm"), [*settings, f"training.seed={seed}"])
            folder = lastfm / "runs" / "compare-collaborative-cf-lastfm" / f"{recipe.name}-seed{seed}"
            append_rows(table, result_rows(run_recipe(recipe, folder, device="cpu", show=False), ["recall@20", "ndcg@20"]))
    tests = compared("cf-lastfm", lastfm / "runs", lastfm / "results" / "collaborative-claims.csv")
    page = collaborative(table, {"cf-lastfm": tests})
    rows = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| ")}
    assert set(rows) == {"row", "popularity", "mf-info-nce", "mf-bsl"}
    assert "[" in rows["mf-bsl"].split("|")[4]
    assert not rows["mf-info-nce"].split("|")[4].strip()
    with (lastfm / "results" / "collaborative-claims.csv").open(encoding="utf-8", newline="") as handle:
        (claim,) = csv.DictReader(handle)
    assert (claim["first"], claim["other"], claim["seeds"]) == ("mf-bsl", "mf-info-nce", "2/2")
    slopes = {row.name: (round(row.at_zero, 2), round(row.at_one, 2)) for row in released_settings()}
    assert slopes["CIFAR-10"] == (5.3, 1.3)
    assert slopes["RoBERTa-base"] == (18.67, 17.67)
