"""Pieces on disk, and folders that are taken for a recipe."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from toy_room.recipe import COUNTING, CountingRecipe

from reverie.errors import RunError
from reverie.study.store import Store, claim, held, key, unreadable

FACTS = {"seed": 1, "data": "abc", "options": {"dim": 8, "rates": [0.1, 0.2]}}


def _note(folder: Path) -> dict[str, Any]:
    (folder / "file.txt").write_text("made", encoding="utf-8")
    return {"value": 0.5}


def test_the_key_is_that_of_the_facts_in_any_order() -> None:
    assert key(FACTS) == key(dict(reversed(FACTS.items()))) == "8a7e662e0ab0c00d617da8dd"
    assert key(FACTS) != key(FACTS | {"seed": 2})


@pytest.mark.parametrize("value", [object(), {1, 2}, Path("a"), float("nan")])
def test_facts_that_are_not_plain_are_refused_before_anything_is_made(tmp_path: Path, value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        Store(tmp_path).kept("kind", {"value": value}, _note)
    assert not list(tmp_path.iterdir())


def test_a_piece_is_made_once(tmp_path: Path) -> None:
    store, made = Store(tmp_path), []
    for _ in range(2):
        piece = store.kept("kind", FACTS, lambda folder: made.append(folder) or _note(folder))
        assert piece.folder == store.place("kind", FACTS) == tmp_path / "kind" / key(FACTS)
        assert piece.notes == {"value": 0.5}
        assert (piece.folder / "file.txt").read_text(encoding="utf-8") == "made"
    assert len(made) == 1
    assert store.has("kind", FACTS)
    assert not store.has("other", FACTS)
    assert not store.has("kind", FACTS | {"seed": 2})


def test_a_half_done_piece_is_never_seen(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def fail(folder: Path) -> dict[str, Any]:
        _note(folder)
        assert not store.has("kind", FACTS)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.kept("kind", FACTS, fail)
    assert (store.place("kind", FACTS) / "file.txt").exists()
    assert not store.has("kind", FACTS)
    assert store.kept("kind", FACTS, _note).notes == {"value": 0.5}


def test_notes_that_are_not_finite_leave_nothing_done(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.kept("kind", FACTS, lambda folder: {"value": float("inf")})
    assert not store.has("kind", FACTS)
    assert [path.name for path in store.place("kind", FACTS).iterdir()] == []


def test_a_piece_within_a_piece(tmp_path: Path) -> None:
    store = Store(tmp_path)
    outer = store.kept("outer", FACTS, lambda folder: {"inner": store.kept("inner", FACTS, _note).notes["value"]})
    assert outer.notes == {"inner": 0.5}


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}", '{"notes": 3}', "\xff"])
def test_a_piece_that_cannot_be_read_is_one_sentence(tmp_path: Path, text: str) -> None:
    store = Store(tmp_path)
    piece = store.kept("kind", FACTS, _note)
    (piece.folder / "piece.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(RunError) as caught:
        store.kept("kind", FACTS, _note)
    assert str(caught.value) == str(unreadable(piece.folder))


def _make(folder: Path, gate: Any) -> None:
    def make(place: Path) -> dict[str, Any]:
        with (folder / "log").open("a", encoding="utf-8") as handle:
            handle.write(f"{place.name}\n")
        time.sleep(0.05)
        return {"pid": os.getpid()}

    gate.wait()
    for seed in range(5):
        Store(folder / "store").kept("kind", {"seed": seed}, make)


def test_processes_make_each_piece_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(3)
    workers = [context.Process(target=_make, args=(tmp_path, gate)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    made = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert sorted(made) == sorted(key({"seed": seed}) for seed in range(5))


def _recipe(**options: Any) -> CountingRecipe:
    return CountingRecipe(**{"name": "counting", **options})


def test_a_folder_is_taken_and_taken_again(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "run"
    for _ in range(2):
        claim(folder, _recipe(), COUNTING)
        assert COUNTING.load(str(folder / "recipe.yaml")) == _recipe()


@pytest.mark.parametrize("left", [".recipe.yaml.ab12_x9z", ".reverie-00000000-1-abcdefgh", ".lock"])
@pytest.mark.parametrize("several", [False, True])
def test_what_a_process_left_that_was_killed_at_its_first_write_blocks_nothing(tmp_path: Path, left: str, several: bool) -> None:
    (tmp_path / left).write_text("name: coun", encoding="utf-8")
    claim(tmp_path, _recipe(), COUNTING, several=several)
    assert COUNTING.load(str(tmp_path / "recipe.yaml")) == _recipe()
    names = {path.name for path in tmp_path.iterdir()}
    assert names <= {"recipe.yaml", ".reverie-00000000-1-abcdefgh"}, "another machine may still write"


def test_one_process_holds_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    claim(tmp_path, _recipe(), COUNTING)
    code = (
        "import sys, time; from reverie.files import locked\n"
        "with locked(sys.argv[1], inside=True): print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(RunError, match="of another recipe"), held(tmp_path, _recipe(k=6), COUNTING, "study"):
            pass
        monkeypatch.setenv("WORLD_SIZE", "2")
        with pytest.raises(RunError, match=f"is held by process {other.pid} "), held(tmp_path, _recipe(), COUNTING, "study"):
            pass
        monkeypatch.setenv("RANK", "1")
        with held(tmp_path, _recipe(), COUNTING, "study"):
            pass
        monkeypatch.delenv("RANK")
        monkeypatch.delenv("WORLD_SIZE")
        (tmp_path / "result").write_text("there", encoding="utf-8")
        with held(tmp_path, _recipe(), COUNTING, "study", done="result"):
            assert capsys.readouterr().err == "", "what is finished needs no holding"
        threading.Timer(1.2, other.kill).start()
        with held(tmp_path, _recipe(), COUNTING, "study"):
            assert f"waiting for {tmp_path}, which is held by process {other.pid}" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"recipe.yaml", "result"}


def test_another_recipe_is_refused(tmp_path: Path) -> None:
    claim(tmp_path / "run", _recipe(), COUNTING, "attack")
    with pytest.raises(RunError, match="holds an attack of another recipe"):
        claim(tmp_path / "run", _recipe(k=6), COUNTING, "attack")
    assert COUNTING.load(str(tmp_path / "run" / "recipe.yaml")) == _recipe()


def test_a_recipe_may_differ_in_what_is_named(tmp_path: Path) -> None:
    claim(tmp_path / "run", _recipe(), COUNTING)
    claim(tmp_path / "run", _recipe(seeds=9), COUNTING, but_for=("seeds",))
    with pytest.raises(RunError, match="of another recipe"):
        claim(tmp_path / "run", _recipe(seeds=9, k=6), COUNTING, but_for=("seeds",))


def test_settings_of_one_recipe_follow_each_other_and_another_recipe_is_refused(tmp_path: Path) -> None:
    for recipe in (_recipe(), _recipe(k=6)):
        claim(tmp_path / "run", recipe, COUNTING, several=True)
        assert COUNTING.load(str(tmp_path / "run" / "recipe.yaml")) == recipe
    with pytest.raises(RunError, match="holds a study of another recipe; choose another folder with --out"):
        claim(tmp_path / "run", _recipe(name="other"), COUNTING, several=True)
    assert COUNTING.load(str(tmp_path / "run" / "recipe.yaml")) == _recipe(k=6)


@pytest.mark.parametrize("several", [False, True])
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, several: bool) -> None:
    (tmp_path / "letters.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(RunError, match="is not empty and holds no study"):
        claim(tmp_path, _recipe(), COUNTING, several=several)
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


@pytest.mark.parametrize("several", [False, True])
def test_a_recipe_of_another_room_is_left_alone(tmp_path: Path, several: bool) -> None:
    theirs = "name: sasrec\nmodel: {name: sasrec}\n"
    (tmp_path / "recipe.yaml").write_text(theirs, encoding="utf-8")
    with pytest.raises(RunError, match="holds a run that this version cannot read"):
        claim(tmp_path, _recipe(), COUNTING, several=several)
    assert (tmp_path / "recipe.yaml").read_text(encoding="utf-8") == theirs
