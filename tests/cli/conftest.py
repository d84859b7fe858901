from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from reverie.cli.main import run
from reverie.testing import tiny_dataset

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TRAIN = """name: tiny
dataset:
  name: {clicks}
  catalog: {items}
model:
  name: sasrec
  dim: 16
  history: 8
training:
  epochs: 2
  batch_size: 16
"""


class Answer:
    """What a command printed, and its exit code; lines that say what a log was read as stand apart from other errors."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.said = code, out, err
        lines = err.splitlines(keepends=True)
        self.read_as = "".join(line for line in lines if line.startswith("read as: "))
        self.err = "".join(line for line in lines if not line.startswith("read as: "))


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder and a cache of one's own, no data of this machine, and no network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("REVERIE_OFFLINE", "1")
    monkeypatch.delenv("REVERIE_DATA", raising=False)


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Run a command in this process, through the entry point of the console script."""

    def asked(*words: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["reverie", *map(str, words)])
        capsys.readouterr()
        try:
            run()
            code: int | str | None = 0
        except SystemExit as stop:
            code = stop.code
        printed = capsys.readouterr()
        return Answer(int(code or 0), printed.out, printed.err)

    return asked


def write_tiny(folder: Path) -> Path:
    """Write a tiny log, its catalogue and a recipe for it.

    Returns the log.
    """
    dataset = tiny_dataset()
    dataset.events.write_csv(folder / "clicks.csv")
    dataset.catalog.write_csv(folder / "items.csv")
    recipe = TRAIN.format(clicks=folder / "clicks.csv", items=folder / "items.csv")
    (folder / "tiny.yaml").write_text(recipe, encoding="utf-8")
    return folder / "clicks.csv"


@pytest.fixture
def clicks(tmp_path: Path) -> Path:
    return write_tiny(tmp_path)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run folder, to be read only."""
    from reverie.training.recipe import load_recipe
    from reverie.training.run import run_recipe

    folder = tmp_path_factory.mktemp("trained")
    write_tiny(folder)
    return run_recipe(load_recipe(str(folder / "tiny.yaml")), folder / "run", device="cpu", show=False).folder
