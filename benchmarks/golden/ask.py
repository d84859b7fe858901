"""Runs ``reverie`` in processes that have imported PyTorch already; importing it costs more than most of the commands."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

TIMEOUT = 1800
"""Seconds that a command may take."""


@dataclass(frozen=True)
class Answer:
    """What a command printed.

    Parameters
    ----------
    code : int
        Exit code.
    out, err : str
        Standard output and error.
    """

    code: int
    out: str
    err: str


def prepare(scratch: Path, source: Path) -> None:
    """Set the environment of all commands: one thread, no network, a cache and a home of their own.

    Parameters
    ----------
    scratch : Path
        Gets the cache and the home.
    source : Path
        Sources of the package; a second checkout with the same virtual environment runs its own.
    """
    own = {"REVERIE_CACHE": scratch / "cache", "HOME": scratch / "home", "HF_HOME": scratch / "home", "PYTHONPATH": source}
    fixed = {"REVERIE_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "COLUMNS": "110", "TERM": "dumb", "NO_COLOR": "1"}
    fixed |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
    os.environ |= {name: str(path) for name, path in own.items()} | fixed
    sys.path.insert(0, str(source))
    multiprocessing.set_forkserver_preload(["torch", "pydantic", "typer"])


def ask(words: list[str], folder: Path) -> Answer:
    """Run ``reverie`` as a user does.

    Parameters
    ----------
    words : list of str
        Verb and options.
    folder : Path
        Working folder.

    Returns
    -------
    Answer
        Exit code and what was printed.
    """
    with tempfile.TemporaryDirectory() as place:
        files = [Path(place) / name for name in ("out", "err")]
        process = multiprocessing.get_context("forkserver").Process(target=_run, args=(words, folder, files))
        process.start()
        process.join(TIMEOUT)
        if process.exitcode is None:
            process.kill()
            process.join()
        out, err = (file.read_text(encoding="utf-8") if file.exists() else "" for file in files)
    return Answer(process.exitcode if process.exitcode is not None else -1, out, err)


def _run(words: list[str], folder: Path, files: list[Path]) -> None:
    """Be the command ``reverie``."""
    os.chdir(folder)
    for number, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = ["reverie", *words]
    with contextlib.suppress(BrokenPipeError):
        from reverie.cli.main import run

        run()
