"""The log of a run folder: where it lies, and whether it is the one of then."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from reverie.errors import DataError, RunError
from reverie.testing import tiny_dataset
from reverie.training.event_log import FILE, keep_log, kept_sha256, open_log
from reverie.training.recipe import DatasetRecipe

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatasetRecipe:
    """A log and a catalogue, named from the working folder."""
    monkeypatch.chdir(tmp_path)
    tiny_dataset().events.write_csv("clicks.csv")
    tiny_dataset().catalog.write_csv("items.csv")
    (tmp_path / "run").mkdir()
    return DatasetRecipe(name="clicks.csv", catalog="items.csv")


def test_what_is_kept(recipe: DatasetRecipe, tmp_path: Path) -> None:
    run, sha256 = tmp_path / "run", tiny_dataset().sha256
    keep_log(run, recipe, sha256, write=False)
    assert kept_sha256(run) == ""
    keep_log(run, recipe, sha256)
    kept = {"sha256": sha256, "name": str(tmp_path / "clicks.csv"), "catalog": str(tmp_path / "items.csv")}
    assert json.loads((run / FILE).read_text()) == kept
    with pytest.raises(RunError, match=r"^clicks.csv has changed since .*then, 00000000… now\); choose another folder with --out"):
        keep_log(run, recipe, "0" * 64)
    named = tmp_path / "named"
    named.mkdir()
    keep_log(named, DatasetRecipe(name="ml-100k"), sha256)
    assert json.loads((named / FILE).read_text()) == {"sha256": sha256}


def test_a_finished_run_of_before_says_no_more_than_it_knows(recipe: DatasetRecipe, tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "result.json").write_text("{}")
    keep_log(run, recipe, "0" * 64)
    assert not (run / FILE).exists()
    (run / "result.json").write_text(json.dumps({"dataset_sha256": "1" * 64}))
    with pytest.raises(RunError, match="11111111… then, 00000000… now"):
        keep_log(run, recipe, "0" * 64)


def test_the_catalogue_may_be_gone(recipe: DatasetRecipe, tmp_path: Path) -> None:
    keep_log(tmp_path / "run", recipe, tiny_dataset().sha256)
    (tmp_path / "items.csv").unlink()
    assert open_log(tmp_path / "run", recipe).vocabulary.titles is None


@pytest.mark.parametrize("content", ["[]", "null", "3", '{"name": [1], "sha256": {"a": 1}}', '{"name": "\\u0000", "catalog": 7}'])
def test_a_file_of_other_types_is_one_sentence(recipe: DatasetRecipe, tmp_path: Path, content: str) -> None:
    (tmp_path / "run" / FILE).write_text(content)
    with pytest.raises(RunError, match=r"data.json is wrong( in '(name|catalog)')?; take it from a copy"):
        open_log(tmp_path / "run", recipe)


def test_a_file_cut_short_is_one_sentence(recipe: DatasetRecipe, tmp_path: Path) -> None:
    (tmp_path / "run" / FILE).write_text('{"name": "cl')
    with pytest.raises(DataError, match=r"data.json is not valid JSON"):
        open_log(tmp_path / "run", recipe)


def test_a_folder_that_is_no_unicode(recipe: DatasetRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(odd)
    monkeypatch.chdir(os.fsdecode(odd))
    keep_log(tmp_path / "run", recipe, "0" * 64)
    assert json.loads((tmp_path / "run" / FILE).read_text()) == {"sha256": "0" * 64}
