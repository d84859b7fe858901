"""What the command line stands on: output that is closed or knows no UTF-8, arguments that are no text, and signals."""

from __future__ import annotations

import codecs
import contextlib
import io
import logging
import os
import signal
import sys
import unicodedata
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from reverie.errors import ConfigError
from reverie.printing import printable

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after Ctrl-C and after SIGTERM."""
_WRITTEN = str.maketrans(
    {"·": "-", "–": "-", "—": "-", "−": "-", "×": "x", "≥": ">=", "≤": "<=", "→": "->", "’": "'", "“": '"', "”": '"'}
)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """Write what an encoding lacks with letters that it has."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = unicodedata.normalize("NFKD", error.object[error.start : error.end].translate(_WRITTEN))
    return "".join(one if one.isascii() else "" if unicodedata.combining(one) else "?" for one in text), error.end


codecs.register_error("reverie-ascii", _in_ascii)


def prepare_streams() -> None:
    """Give closed streams a place to write to, and streams without UTF-8 plain ASCII."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # opened in this order, the files take the numbers that are free
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115  # to the end
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE")
    asked = locale in ("C", "POSIX") and not os.environ.get("PYTHONIOENCODING") and os.environ.get("PYTHONUTF8") != "1"
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="ascii" if asked else stream.encoding, errors="reverie-ascii")


def check_arguments() -> None:
    """Refuse arguments that are not text: what is written down of them could not be read again."""
    for argument in sys.argv[1:]:
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            shown = argument.encode(errors="backslashreplace").decode()
            raise ConfigError(f"'{shown}' is not UTF-8; rename the file or folder, or set PYTHONUTF8=1") from error


class _Readings(logging.Handler):
    """Prints what logs were read as, each line once, and warnings of them, as `worded`."""

    def __init__(self, worded: Callable[[str], str]) -> None:
        super().__init__()
        self.said, self.worded = set[str](), worded

    def emit(self, record: logging.LogRecord) -> None:
        text = ("warning: " if record.levelno >= logging.WARNING else "read as: ") + printable(self.worded(record.getMessage()))
        if text not in self.said:
            self.said.add(text)
            print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def readings_told(quiet: bool, worded: Callable[[str], str]) -> Iterator[None]:
    """Print on standard error, as `worded`, what every log is read as; of a quiet command warnings alone."""
    logger = logging.getLogger("reverie.data")
    handler, before = _Readings(worded), (logger.level, logger.propagate)
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


_said: list[bool] = []


def say_stopped(keeps: bool = True) -> None:
    """Say, once, that a command was stopped, and whether it keeps what it had finished."""
    if not _said:
        _said.append(True)
        then = "goes on from what it had finished" if keeps else "begins anew"
        print(f"stopped; the same command {then}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def signals(keeps: bool = True) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the command in its own order; the second one ends it at once."""

    def at_once(number: int, frame: FrameType | None) -> None:
        say_stopped(keeps)
        os._exit(128 + number)

    def in_order(number: int, frame: FrameType | None) -> None:
        for one in before:
            signal.signal(one, at_once)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(TERMINATED)

    usual: dict[signal.Signals, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = [number for number, handler in usual.items() if signal.getsignal(number) == handler]
    with contextlib.suppress(ValueError):  # not the main thread
        for number in before:
            signal.signal(number, in_order)
    try:
        yield
    finally:
        for number in before:
            if signal.getsignal(number) is in_order:
                signal.signal(number, usual[number])
