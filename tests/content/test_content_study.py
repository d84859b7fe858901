from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from reverie.content.carrying import EITHER, carried
from reverie.content.cells import ContentCell
from reverie.content.data import encoder_options, weights_of_starts
from reverie.content.neighbours import shown_items
from reverie.content.page import difference_sentence, level_sentence
from reverie.content.recipe import CONTENT, METRICS, ContentRecipe
from reverie.content.results import COLUMNS
from reverie.content.run import report
from reverie.content.study import ContentStudy
from reverie.data.splits import leave_one_out
from reverie.errors import ConfigError
from reverie.evaluation import Evaluation
from reverie.study.call import Call
from reverie.study.run import cell_key
from reverie.testing import tiny_dataset
from reverie.video.networks.create import create_network
from reverie.video.networks.saved import save_network

ONE_FRAME = "encoders.one-frame={set: {kind: video, frames: 1, set: {widths: [8], blocks: [1], strides: [1]}}}"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[dict[str, str]]]:
    """The demo in its short form, run twice."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REVERIE_CACHE", str(folder / "cache"))
        recipe = CONTENT.load("content-demo", ["description='<b>Clips</b> & sound'", ONE_FRAME], smoke=True)
        call = Call(folder / "s", "reverie content content-demo", results=folder / "content.csv", show=False)
        first = report(recipe, call)
        before = (folder / "content.csv").read_bytes()
        second = report(recipe, call)
        assert (folder / "content.csv").read_bytes() == before
        assert second.json == first.json
    with (folder / "content.csv").open(encoding="utf-8", newline="") as file:
        return folder, first.json, list(csv.DictReader(file))


def test_rows_have_the_columns_and_slices(done: tuple[Path, dict[str, Any], list[dict[str, str]]]) -> None:
    rows = done[2]
    assert tuple(rows[0])[-len(COLUMNS) :] == COLUMNS
    rated = {(row["recommender"], row["item_encoder"], row["drop"]) for row in rows if row["metric"] in METRICS}
    encoder = {("sasrec", "clip+sound", drop) for drop in ("", "video", "audio")}
    assert rated >= encoder | {("popularity", "", ""), ("item-knn", "", ""), ("sasrec", "id", ""), ("oracle", "motion+sound", "")}
    assert {("blind", "chance", ""), ("blind", "new-first", "")} <= rated
    slices = {row["slice"] for row in rows if row["item_encoder"] == "clip+sound" and row["metric"] == "ndcg@10"}
    assert slices == {"all", "target:cold", "target:warm", "target:popular", "target:rare"}
    fused = next(row for row in rows if row["item_encoder"] == "clip+sound")
    assert (fused["tuning"], fused["fusion"], fused["model"]) == ("scratch", "sum", "sasrec")
    by = {(row["slice"], row["metric"]): row for row in rows if (row["recommender"], row["item_encoder"]) == ("sasrec", "id")}
    parts = [by[part, "recall@10"] for part in ("target:cold", "target:warm")]
    total = sum(float(row["value"]) * int(row["n"]) for row in parts)
    assert float(by["all", "recall@10"]["value"]) * int(by["all", "recall@10"]["n"]) == pytest.approx(total, rel=1e-4)


def test_a_model_of_counts_is_measured_once_and_popularity_never_finds_new_items(done: tuple[Path, dict[str, Any], Any]) -> None:
    found = {(row["recommender"], row["slice"]): row["metrics"] for row in done[1]["rows"]}
    assert found["popularity", "target:cold"]["recall@10"]["value"] == 0
    (claim,) = done[1]["claims"]
    assert (claim["metric"], claim["first"]) == ("target:cold/recall@10", "sasrec/clip+sound")
    assert claim["difference"] == pytest.approx(claim["first_value"] - claim["other_value"])


def test_the_page_is_escaped_and_shows_all_sections(done: tuple[Path, Any, Any]) -> None:
    page = (done[0] / "s" / "report.html").read_text(encoding="utf-8")
    assert "<b>Clips</b>" not in page
    assert "&lt;b&gt;Clips&lt;/b&gt;" in page
    for name in ("cold", "table", "claims", "carrying", "neighbours", "reading"):
        assert f'id="{name}"' in page
    assert "data:image/png;base64," in page
    assert "smoke run" in page
    assert re.search(r"sasrec/one-frame has recall@10 [0-9.]+ on new clips, .* as it must be\.", page)
    assert "sasrec/clip+sound has recall@10" not in page


def test_what_is_missing_tells_trainings_and_their_rows_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "cache"))
    whole = {"world": {"clips": 32, "users": 60, "events": 5, "frames": 2, "size": 16, "seconds": 0.1}}
    recipe = ContentRecipe.model_validate({
        "name": "two", "data": {"whole": whole, "half": whole | {"missing": {"audio": 0.5}}},
        "recommenders": {"vbpr": {"model": "vbpr", "encoders": []}}, "training": {"epochs": 1}, "seeds": 1,
    })  # fmt: skip
    study = ContentStudy(recipe, tmp_path / "s")
    cells = [ContentCell(data, "vbpr", "", 0) for data in recipe.data]
    assert study.opened["whole"].split.sha256 == study.opened["half"].split.sha256
    facts = [study.facts(cell) for cell in cells]
    assert facts[0]["content"] != facts[1]["content"]
    assert len({cell_key(study, cell) for cell in cells}) == 2
    assert facts[0] == study.facts(cells[0])
    results = [study.run(cell, lambda _: None) for cell in cells]
    assert [{row["data"] for row in study.rows(*pair)} for pair in zip(cells, results, strict=True)] == [{"whole"}, {"half"}]


def test_other_weights_under_the_same_name_are_another_start(tmp_path: Path) -> None:
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        folder = tmp_path / str(seed) / "n"
        set_of = {"widths": [4], "blocks": [1], "strides": [1]}
        save_network(create_network("tsm", 2, 2, 16, **set_of), folder, ["a", "b"])
        options = {"item_encoder": {"kind": "fused", "parts": [{"kind": "video", "start": str(folder)}, {"kind": "id"}]}}
        found.append(weights_of_starts(options)[str(folder)])
    assert found[0] != found[1]
    assert weights_of_starts({"item_encoder": {"kind": "video", "clips": ".", "start": None}}) == {}


@pytest.mark.parametrize(("low", "said"), [(-0.009, "is at least level with"), (-0.011, "is not shown to be level with")])
def test_level_is_what_loses_less_than_the_margin(low: float, said: str) -> None:
    row = {"dataset": "d", "first": "a", "other": "b", "metric": "recall@10", "first_value": 0.09, "other_value": 0.1, "low": low}
    sentence = level_sentence(row, 0.1)
    assert f"On d, a {said} b" in sentence
    assert f"begins at {low:+.4f}, and -0.0100, 10% of the second, was allowed" in sentence


def evaluation(greater: list[int]) -> Evaluation:
    n = len(greater)
    ranks = {"query": range(n), "cluster": range(n), "target": [1, 1, 2, 3], "greater": greater, "equal": [0] * n}
    frame = pl.DataFrame(ranks | {"n_candidates": [9] * n, "masked": [0] * n, "length": [1] * n})
    return Evaluation(frame, pl.DataFrame(), None, "remove", "", "m", 0, 9)


def test_a_part_carries_what_its_loss_costs() -> None:
    found = carried([evaluation([0, 1, 3, 2])], {"text": [evaluation([2, 1, 3, 2])], "image": [evaluation([0, 1, 8, 1])]})
    gain = 1 / np.log2(np.arange(2, 12))
    assert found.items.tolist() == [1, 2, 3]
    np.testing.assert_allclose(found.losses[:, 0], [(gain[0] - gain[2]) / 2, 0, 0])
    np.testing.assert_allclose(found.losses[:, 1], [0, gain[3] - gain[8], gain[2] - gain[1]], atol=1e-12)
    assert found.carrier.tolist() == [0, 1, -1]
    assert found.shares(np.array([True, True, True])) == pytest.approx({"text": 1 / 3, "image": 1 / 3, EITHER: 1 / 3})
    assert found.examples(1, 3) == [1]


def test_items_that_nobody_clicked_are_among_those_shown() -> None:
    split = leave_one_out(tiny_dataset())
    counts = split.train.item_counts()[1:]
    shown = shown_items(split, 4) - 1
    assert len(set(shown.tolist())) == 4
    assert counts[shown[0]] == counts.max()


@pytest.mark.parametrize("name", list(CONTENT.files()))
def test_packaged_recipes_are_whole(name: str) -> None:
    for smoke in (False, True):
        recipe = CONTENT.load(name, smoke=smoke)
        assert list(recipe.rows())
        for encoder in recipe.encoders.values():
            assert encoder_options(encoder.set).kind == encoder.set["kind"]


@pytest.mark.parametrize("name", list(CONTENT.files()))
def test_a_recipe_that_a_folder_keeps_trains_as_the_recipe_does(name: str, tmp_path: Path) -> None:
    recipe, kept = CONTENT.load(name), tmp_path / CONTENT.file
    kept.write_text(CONTENT.dump(recipe), encoding="utf-8")
    again = CONTENT.load(str(kept))
    assert again == recipe
    assert [again.training_of(*row) for row in again.rows()] == [recipe.training_of(*row) for row in recipe.rows()]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("recommenders.sasrec.model=sasrek", "unknown name 'sasrek' .did you mean 'sasrec'"),
        ("recommenders.sasrec.encoders=[title]", "unknown name 'title'"),
        ("encoders.id.drop=[video]", "only parts of a fused encoder can be dropped"),
        ("claims=[{first: sasrec/ids, other: sasrec/id, why: x}]", "unknown name 'ids'"),
        ("data.small-world.dataset={name: ml-100k}", "needs either 'dataset' or 'world'"),
        ("data.small-world.clips=here", "leave clips out"),
        ("training.epoch=3", "unknown option 'epoch'"),
        ("training=3", "'training' must be a mapping, not 3"),
        ("recommenders.sasrec.training={epoch: 3}", "unknown option 'epoch'"),
        ("data.small-world.world.liked=9", "liked"),
    ],
)
def test_recipes_that_do_not_fit_are_refused(setting: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        CONTENT.load("content-demo", [setting])


def test_options_of_models_and_missing_content_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    for setting, said in (
        ("recommenders.sasrec.set.dims=3", "unknown option 'dims'"),
        ("encoders.id.set={kind: image}", "reads the content 'image'|no item has a cover"),
        ("data.small-world.missing={text: 0.5}", "has no content 'text' that could be missing; it has audio"),
    ):
        with pytest.raises(Exception, match=said):
            report(CONTENT.load("content-demo", [setting], smoke=True), Call(tmp_path / "s", show=False))
        assert not (tmp_path / "s" / "trainings").exists()


def test_a_comparison_is_one_sentence_over_its_slices() -> None:
    common = {"dataset": "shop", "first": "sasrec/title", "other": "sasrec/id", "first_value": 0.25, "other_value": 0.125}
    rows = [
        common | {"metric": "recall@10", "p_holm": 0.2, "difference": 0.125, "detectable": 0.5},
        common | {"metric": "target:cold/recall@10", "p_holm": 0.01, "difference": 0.125, "detectable": 0.1},
        common | {"metric": "target:warm/recall@10", "p_holm": 0.01, "difference": -0.125, "detectable": 0.1},
        common | {"metric": "target:rare/recall@10", "p_holm": None, "difference": 0.0, "detectable": None},
    ]
    assert difference_sentence(rows) == (
        "On shop, sasrec/title beside sasrec/id in recall@10: not shown to differ on all (0.2500 and 0.1250; 0.5000 could have "
        "been found); better on target:cold (0.2500 and 0.1250); worse on target:warm (0.2500 and 0.1250)."
    )
