"""One holder a folder, and temporary files that outlive nobody."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reverie import files
from reverie.errors import ReverieError, RunError
from reverie.files import append_csv, atomic_path, cache_folder, locked, write_text
from reverie.scratch import is_temporary, sweep, temporary_file, temporary_folder

HOLD = """
import sys, time
from reverie.files import locked
with locked(sys.argv[1], inside=sys.argv[2] == "inside"):
    print("held", flush=True)
    time.sleep(60)
"""
LEAVE = """
import os, signal, sys
from pathlib import Path
from reverie.files import atomic_path
from reverie.scratch import temporary_folder
folder = Path(sys.argv[1])
with atomic_path(folder / "recipe.yaml") as file, temporary_folder(folder) as hidden, temporary_folder() as plain:
    for folder in (hidden, plain):
        (folder / "half").write_bytes(bytes(1000))
    print(file, hidden, plain, sep="\\n", flush=True)
    {end}
"""


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "system").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "system"))
    monkeypatch.setattr(tempfile, "tempdir", None)


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a process, which ends with the test; each prints a line once it is where it should be."""
    running: list[subprocess.Popen[str]] = []

    def start(code: str, *words: object) -> subprocess.Popen[str]:
        running.append(subprocess.Popen([sys.executable, "-c", code, *map(str, words)], stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("where", ["inside", "cache"])
def test_a_held_folder_is_refused_or_waited_for_with_a_word_and_free_after_a_kill(
    tmp_path: Path,
    started: Callable[..., subprocess.Popen[str]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    folder, inside = tmp_path / "run", where == "inside"
    holder = started(HOLD, folder, where)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(RunError, match=rf"run is held by process {holder.pid} on .*; wait until it ends"),
        locked(folder, inside=inside, wait=False),
    ):
        pass
    monkeypatch.setattr(files, "_PATIENCE", 0.1)
    threading.Timer(0.5, holder.kill).start()
    with locked(folder, inside=inside), locked(folder, inside=inside):
        assert f"waiting for {folder}, which is held by process {holder.pid}" in capsys.readouterr().err
    assert not folder.exists() or list(folder.iterdir()) == []
    assert list((cache_folder() / "locks").iterdir()) == [] if not inside else not cache_folder().exists()


def test_what_cannot_be_locked_is_an_error_that_names_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "file"))
    with pytest.raises(ReverieError, match=r"cannot lock .*table\.csv: .*; set REVERIE_CACHE to a folder that can be written"):
        append_csv(tmp_path / "table.csv", ["a"], [{"a": 1}])
    with (
        pytest.raises(ReverieError, match=r"cannot lock .*; choose another folder"),
        locked(tmp_path / "file" / "run", inside=True),
    ):
        pass


def test_a_table_is_tried_without_rows(tmp_path: Path) -> None:
    append_csv(tmp_path / "new" / "table.csv", ["a"], [])
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(ReverieError, match=r"cannot write .*table\.csv: (Not a directory|File exists)"):
        append_csv(tmp_path / "file" / "table.csv", ["a"], [])


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_uses_is_not(
    tmp_path: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    folder, system = tmp_path / "run", tmp_path / "system"
    processes = [started(LEAVE.format(end=end), folder) for end in ("signal.pause()", "os.kill(os.getpid(), signal.SIGKILL)")]
    living, dead = ([Path(process.stdout.readline().strip()) for _ in range(3)] for process in processes if process.stdout)
    processes[1].wait()
    assert all(is_temporary(path.name) and path.exists() for path in living + dead)
    with temporary_file(folder) as mine, temporary_folder(system) as scratch:
        sweep(folder)
        sweep(system)
        assert mine.exists()
        assert scratch.exists()
    assert all(path.exists() for path in living)
    assert not any(path.exists() for path in dead)
    write_text(folder / "recipe.yaml", "whole")
    assert (folder / "recipe.yaml").read_text() == "whole"


def test_only_own_names_are_swept(tmp_path: Path) -> None:
    elsewhere, day = "reverie-00000000-1-", 90_000
    names = {
        f"{elsewhere}abcdefgh": (day, True),
        f".{elsewhere}abcdefgh": (day, True),
        ".fetching-abcdefgh": (day, True),
        f"{elsewhere}abcdefgi": (0, False),  # of another machine, which may still write
        ".fetching-abcdefgi": (0, False),
        "reverie-datasets": (day, False),
        "reverie-00000000-1-results.csv": (day, False),
        ".recipe.yaml.original": (day, False),
    }
    for name, (age, _) in names.items():
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    sweep(tmp_path)
    assert {name for name in names if not (tmp_path / name).exists()} == {name for name, (_, gone) in names.items() if gone}
    sweep(tmp_path / "missing")


def test_a_process_that_has_the_number_of_a_dead_one_sweeps_what_that_left(tmp_path: Path) -> None:
    with temporary_file(tmp_path) as path:
        earlier = tmp_path / f"{path.name[:-8]}aaaaaaaa"
        earlier.write_text("")
        sweep(tmp_path)
        assert path.exists()
    assert not earlier.exists()


def test_a_long_name_is_written(tmp_path: Path) -> None:
    with atomic_path(tmp_path / ("é" * 120)) as temporary:
        temporary.write_text("whole")
    assert (tmp_path / ("é" * 120)).read_text() == "whole"


def test_the_home_folder_is_found_in_the_name_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("REVERIE_CACHE", "~/c")
    assert cache_folder() == tmp_path / "c"
