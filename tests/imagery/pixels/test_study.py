import json
import re
from pathlib import Path
from shutil import rmtree

import pytest

from reverie.errors import RunError
from reverie.imagery.icons import IconSet
from reverie.imagery.pixels.cells import Measured, NetworkCell, QualityCell
from reverie.imagery.pixels.quality import Quality
from reverie.imagery.pixels.recipe import PIXELS, PixelsRecipe
from reverie.imagery.pixels.results import rows_of
from reverie.imagery.pixels.run import shown
from reverie.imagery.pixels.saved import load_pixels
from reverie.imagery.pixels.study import PixelsStudy
from reverie.study.rows import read_rows
from reverie.study.run import run_study


@pytest.fixture
def recipe() -> PixelsRecipe:
    short = ["training.epochs=2", "training.batch_size=4", "training.precision=fp32", "examples.held_out=0.2"]
    return PIXELS.load("imagery-pixels", short, smoke=True)


def test_a_study_trains_measures_and_goes_on(recipe: PixelsRecipe, sets: list[IconSet], tmp_path: Path) -> None:
    study = PixelsStudy(recipe, tmp_path / "run", show=False, sets=sets)
    assert {name: len(part) for name, part in study.parts.items()} == {"train": 4, "names": 2, "styles": 2}
    done = run_study(study, results=tmp_path / "rows.csv", show=False)
    assert len(done) == study.upper_bound({}) == 10
    rows = read_rows(tmp_path / "rows.csv")
    assert {row["dataset_sha256"] for row in rows} == {study.sha256}
    assert not [row for row in rows if row["slice"] == "names" and row["metric"] == "top1"]
    assert [row["steps"] for row in rows if row["metric"] == "frechet" and row["sampler"] == "ddim"] == ["2"]
    model, saved = load_pixels(tmp_path / "run")
    assert saved.families == ("noto", "twemoji")
    assert [one.author for one in saved.credits] == ["the test"] * 2
    assert "disc" in model.known
    assert "teal" in model.known
    assert not list((tmp_path / "run").glob("network/*/state"))

    again = PixelsStudy(recipe, tmp_path / "run", show=False, sets=sets)
    assert run_study(again, results=tmp_path / "rows.csv", show=False) == done
    assert len(read_rows(tmp_path / "rows.csv")) == len(rows)
    rmtree(tmp_path / "run" / "network")  # the table knows its rows, and what is new needs it
    more = recipe.model_copy(update={"quality": recipe.quality.model_copy(update={"ddim": (2, 3)})})
    wider = PixelsStudy(more, tmp_path / "run", show=False, sets=sets)
    new = set(run_study(wider, results=tmp_path / "rows.csv", show=False)) - set(done)
    assert new == {QualityCell("train", "ddim", 3, 2.0)}
    report = shown(study, done, "reverie imagery imagery-pixels --smoke")
    page = report.files[1].read_text(encoding="utf-8")
    assert "Steps against quality" in page
    assert "data:image/png;base64," in page
    assert "CC0-1.0" in page
    assert json.loads(report.files[0].read_text(encoding="utf-8"))["icons_sha256"] == study.sha256


def test_of_a_single_set_no_style_is_held_out(recipe: PixelsRecipe, sets: list[IconSet], tmp_path: Path) -> None:
    study = PixelsStudy(recipe, tmp_path, show=False, sets=sets[:1])
    assert {cell.part for cell in study.measurements()} == {"train", "names"}
    assert len(study.parts["styles"]) == 0


def test_a_measurement_comes_back_from_its_rows(recipe: PixelsRecipe, sets: list[IconSet], tmp_path: Path) -> None:
    study = PixelsStudy(recipe, tmp_path, show=False, sets=sets)
    cell = QualityCell("train", "real")
    measured = Measured(Quality(1.5, 0.25, 0.5, 16, 5, 0.125), "abc")
    rows = [{name: str(value) for name, value in row.items()} for row in rows_of(recipe, "0" * 64, cell, measured)]
    assert study.restore(cell, rows) == measured
    assert study.restore(NetworkCell(), rows) is None


def test_what_is_asked_makes_the_key(recipe: PixelsRecipe, sets: list[IconSet], tmp_path: Path) -> None:
    def keys(*changes: str) -> list[object]:
        changed = PIXELS.parse(PIXELS.content(PIXELS.load("imagery-pixels", list(changes), smoke=True)), "test")
        study = PixelsStudy(changed, tmp_path, show=False, sets=sets)
        return [study.facts(NetworkCell()), study.facts(QualityCell("train", "real")), study.facts(QualityCell("train", "ddim", 2))]

    network, real, drawn = keys()
    assert keys("training.epochs=7")[0] != network
    assert keys("training.epochs=7")[1] == real
    assert keys("reader.training.epochs=7")[0] == network
    assert keys("reader.training.epochs=7")[2] != drawn
    assert keys("quality.pictures=17")[1] != real


def test_models_that_cannot_be_read_are_one_sentence(recipe: PixelsRecipe, sets: list[IconSet], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no trained pixel model"):
        load_pixels(tmp_path / "nothing")
    study = PixelsStudy(recipe, tmp_path / "run", show=False, sets=sets)
    folder = Path(study.run(NetworkCell(), print).folder)
    text = (folder / "pixels.json").read_text(encoding="utf-8")
    (folder / "pixels.json").write_text(text.replace('"teal"', '"tea"'), encoding="utf-8")
    with pytest.raises(RunError, match="was changed after it was written"):
        load_pixels(folder)
    (folder / "pixels.json").write_text(re.sub(r'"format": 1', '"format": 9', text), encoding="utf-8")
    with pytest.raises(RunError, match="not of a format"):
        load_pixels(folder)
    (folder / "pixels.json").write_text(text, encoding="utf-8")
    (folder / "weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(RunError, match="train it again"):
        load_pixels(folder)
