"""Output that is closed or knows no UTF-8, arguments that are no text, and signals."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reverie.cli.main import ANEW, _tree
from reverie.cli.terminal import check_arguments, prepare_streams, signals
from reverie.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("encoding", "locale", "written"),
    [
        ("ascii", "", b"5 x 7 >= 3... Amelie ? - ?"),
        ("utf-8", "C", b"5 x 7 >= 3... Amelie ? - ?"),
        ("utf-8", "", "5 × 7 ≥ 3… Amélie 東 · ?".encode()),
    ],
)
def test_a_terminal_gets_what_it_knows(monkeypatch: pytest.MonkeyPatch, encoding: str, locale: str, written: bytes) -> None:
    raw = io.BytesIO()
    for name in ("PYTHONIOENCODING", "PYTHONUTF8", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", locale)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    monkeypatch.setattr(sys, "stderr", None)
    prepare_streams()
    print("5 × 7 ≥ 3… Amélie 東 · \udcff", end="", flush=True)
    assert raw.getvalue() == written
    print("into nothing", file=sys.stderr)
    sys.stderr.close()


def test_closed_output_is_no_fault(monkeypatch: pytest.MonkeyPatch, ask: Callable) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert ask("models").code == 0
    sys.stdout.close()


def test_arguments_that_are_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["reverie", "train", "caf\udce9.yaml"])
    with pytest.raises(ConfigError, match=r"'caf\\udce9.yaml' is not UTF-8; rename"):
        check_arguments()


def test_signals_end_in_order_and_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with signals():
        pass
    assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))


def test_verbs_that_begin_anew_are_verbs() -> None:
    assert set(_tree().commands) >= ANEW


SLOW = """
import os, signal, time
from reverie.cli.terminal import signals, say_stopped
try:
    with signals({keeps}):
        os.kill(os.getpid(), signal.{first})
        time.sleep(5)
except (KeyboardInterrupt, SystemExit) as stop:
    {then}
    say_stopped({keeps})
    raise SystemExit(stop.code if isinstance(stop, SystemExit) else 130)
"""


@pytest.mark.parametrize(
    ("first", "second", "code", "keeps"),
    [("SIGINT", "", 130, True), ("SIGTERM", "", 143, False), ("SIGINT", "SIGINT", 130, False), ("SIGINT", "SIGTERM", 143, True)],
)
def test_a_stopped_command_says_one_sentence(first: str, second: str, code: int, keeps: bool) -> None:
    then = f"say_stopped({keeps}); os.kill(os.getpid(), signal.{second}); time.sleep(5)" if second else "pass"
    done = subprocess.run(
        [sys.executable, "-c", SLOW.format(first=first, then=then, keeps=keeps)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
    )
    said = "goes on from what it had finished" if keeps else "begins anew"
    assert (done.returncode, done.stderr) == (code, f"stopped; the same command {said}\n")
