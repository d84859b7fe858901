"""The study: what follows from what, what is kept, and what tables, rows, comparisons and the page say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from toy_pictures import CONCEPTS, ToyLab

from reverie.errors import ConfigError
from reverie.imagery.recognition.cells import CheckCell, JudgeCell, Judged, LoopCell, Looped, PicturesCell, StagesCell
from reverie.imagery.recognition.claims import claim_rows
from reverie.imagery.recognition.design import settings_of, shuffled
from reverie.imagery.recognition.recipe import IMAGERY, ImageryRecipe
from reverie.imagery.recognition.results import COLUMNS
from reverie.imagery.recognition.run import shown, summary_of
from reverie.imagery.recognition.study import ImageryStudy
from reverie.imagery.recognition.summary import View, blind
from reverie.imagery.recognition.tables import findings
from reverie.study.rows import read_rows
from reverie.study.run import run_study

VALUES: dict[str, Any] = {
    "name": "toy",
    "concepts": {"dev": 2, "test": 6},
    "conditions": ["A", "O", "E-shuffled"],
    "settings": {"objects": 2},
    "grid": {"objects": [1, 4]},
    "choose": {"condition": "O", "judge": "reader"},
    "renderers": {"toy": {"kind": "toy"}},
    "judges": {
        "reader": {"mode": "text", "kind": "toy"}, "looker": {"mode": "image", "kind": "toy"},
        "guide": {"mode": "image", "kind": "toy"},
    },
    "k": 4,
    "size": 32,
    "seeds": 2,
    "tuning_seeds": [100, 101, 102],
    "loop": {"guide": "guide", "judge": "looker", "rounds": 2, "best_of": 2, "concepts": 4},
    "sheet": {"concepts": 3, "conditions": ["A", "O", "E-shuffled"], "choices": 3},
    "claims": [
        {"first": "O", "other": "chance", "why": "do the objects say it?", "metrics": ["top1", "top5", "mrr"]},
        {"first": "O", "other": "E-shuffled", "why": "is it these objects?", "distractors": ["random"]},
    ],
}  # fmt: skip


def recipe(**changed: Any) -> ImageryRecipe:
    return IMAGERY.parse(VALUES | changed, "here")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageryStudy, dict[Any, Any], Path]:
    folder = tmp_path_factory.mktemp("toy")
    study = ImageryStudy(recipe(), folder / "run", ToyLab())
    return study, run_study(study, results=folder / "imagery.csv", show=False), folder


def test_settings_are_chosen_on_development_concepts_before_the_test_is_asked(finished: Any, tmp_path: Path) -> None:
    study, done, _ = finished
    first = list(ImageryStudy(recipe(), tmp_path / "run", ToyLab()).cells({}))
    assert {type(cell) for cell in first} == {CheckCell, JudgeCell}
    assert {cell.part for cell in first if isinstance(cell, JudgeCell)} == {"dev"}
    assert study.trials(done)[settings_of(recipe())[1]] > study.trials(done)[settings_of(recipe())[0]]
    assert study.chosen(done) == settings_of(recipe())[1]  # four objects hold the two that say the concept
    assert {cell.settings.objects for cell in done if isinstance(cell, PicturesCell)} == {4}
    assert len(done) == study.upper_bound(done)


def test_what_is_kept_is_not_done_again_and_a_change_makes_only_what_depends_on_it(finished: Any) -> None:
    study, done, folder = finished
    lab = ToyLab()
    again = ImageryStudy(recipe(), folder / "run", lab)
    assert run_study(again, show=False) == done
    assert (lab.painted, lab.stagings) == (0, 0)
    larger = ImageryStudy(recipe(size=48), folder / "run", ToyLab())
    settings = study.chosen(done)
    assert larger.is_kept(StagesCell("test", 0, settings))
    assert larger.is_kept(JudgeCell("test", 0, settings, "O", "reader"))
    assert not larger.is_kept(PicturesCell("test", 0, settings, "O", "toy"))
    assert not larger.is_kept(JudgeCell("test", 0, settings, "O", "looker", "toy"))
    other = ImageryStudy(recipe(), folder / "run", ToyLab(version=2))
    assert not other.is_kept(StagesCell("test", 0, settings))
    assert other.is_kept(CheckCell("reader"))


def test_rows_have_every_column_and_speak_of_the_test_alone(finished: Any) -> None:
    rows = read_rows(finished[2] / "imagery.csv")
    assert list(rows[0])[-len(COLUMNS) :] == list(COLUMNS)
    assert {row["dataset_sha256"] for row in rows} == {"0" * 64}
    one = {
        row["metric"]: float(row["value"])
        for row in rows
        if row["slice"] == "test"
        and (row["condition"], row["judge"], row["distractors"], row["seed"]) == ("O", "looker", "random", "0")
    }
    assert set(one) == {"top1", "top5", "mrr", "chance", "overliteral", "lost_object"}
    assert (one["top1"], one["chance"]) == (1.0, 0.25)
    empty = [row for row in rows if (row["condition"], row["mode"], row["metric"]) == ("A", "text", "top1")]
    assert {float(row["value"]) for row in empty} == {0.25}  # the word is masked, so that nothing is left
    assert {row["metric"] for row in rows if row["slice"] == "round-2"} >= {"top1", "mrr"}
    assert {row["metric"] for row in rows if row["condition"] == ""} == {"without_objects"}


def test_objects_of_another_concept_are_never_ones_own() -> None:
    for n in (2, 3, 7):
        others = shuffled(n, 5)
        assert sorted(others) == list(range(n))
        assert all(at != other for at, other in enumerate(others))
    assert shuffled(9, 1) != shuffled(9, 2)


def test_comparisons_are_paired_and_corrected_and_chance_is_that_of_the_list(finished: Any) -> None:
    study, done, _ = finished
    summary = summary_of(study, done)
    rows = claim_rows(summary, "toy-concepts")
    by = {(row["first"], row["other"], row["metric"]): row for row in rows}
    shuffle = by["O", "E-shuffled", "image/looker/toy/random/top1"]
    view = View("looker", "toy", "random")
    values = [sum(one.values()) / 6 for one in summary.values(view, "E-shuffled", "top1")]
    assert shuffle["difference"] == pytest.approx(1 - sum(values) / 2)
    assert shuffle["low"] is not None
    assert shuffle["p_holm"] >= shuffle["p"]
    chance = by["O", "chance", "text/reader/near/mrr"]
    assert chance["other_value"] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert by["O", "chance", "text/reader/near/top5"]["difference"] == 0  # a list of four has no sixth
    assert blind("top5", 20) == 0.25


def test_feedback_replaces_what_the_guide_saw_and_is_measured_by_another(finished: Any) -> None:
    study, done, _ = finished
    loops = {cell: result for cell, result in done.items() if isinstance(cell, LoopCell) and isinstance(result, Looped)}
    assert {(cell.seed, cell.guided) for cell in loops} == {(seed, way) for seed in (0, 1) for way in (True, False)}
    for result in loops.values():
        assert result.concepts == CONCEPTS[:4]
        assert len(result.rounds) == 2
        assert sorted(path.name for path in Path(result.folder).glob("*.png")) == [f"{at:04d}.png" for at in range(4)]
    summary = summary_of(study, done)
    tops = [one.value for one in summary.rounds(True, "random", "top1") if one is not None]
    assert tops == sorted(tops)
    assert summary.gained("random", "top1") is not None


def test_the_page_and_the_sheet_are_written_and_say_what_stands_behind_them(finished: Any) -> None:
    study, done, folder = finished
    found = shown(study, done, "reverie imagery toy")
    page = (folder / "run" / "report.html").read_text(encoding="utf-8")
    for text in (
        "Inspired by TIAC",
        "toy icons by nobody, CC0-1.0",
        "raters are never simulated",
        "No images, no human ratings",
        "E-shuffled",
    ):
        assert text in page
    assert "concept score" not in page.lower()
    assert [path.name for path in found.files] == ["report.html", "raters.html", "raters-key.json", "summary.json"]
    assert found.json["found"]["image/looker/toy/random"]["O"]["top1"]["value"] == 1.0
    assert any("O − chance +75.0" in line for line in findings(summary_of(study, done)))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"loop": {"guide": "looker", "judge": "looker"}}, "must not be the guide"),
        ({"loop": {"guide": "reader", "judge": "looker"}}, "loop.guide: unknown name 'reader'"),
        ({"renderers": {}, "loop": None, "sheet": None}, "nobody paints"),
        ({"concepts": {"dev": 0, "test": 6}}, "concepts.dev"),
        ({"claims": [{"first": "O", "other": "chanse", "why": ""}]}, "did you mean 'chance'"),
        ({"grid": {"object": [1]}}, "did you mean 'objects'"),
    ],
)
def test_recipes_that_make_no_sense_are_refused_in_one_sentence(changed: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        ImageryStudy(recipe(**changed), tmp_path / "run", ToyLab())
    assert said in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_guesses_survive_the_disk(finished: Any) -> None:
    judged = next(result for result in finished[1].values() if isinstance(result, Judged))
    assert Judged.from_notes(judged.to_notes()) == judged
