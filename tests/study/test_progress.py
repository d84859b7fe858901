"""Progress of a study on a terminal."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from reverie.study.progress import StepClock, _Bar, _Plain, duration, progress


def test_brackets_in_names_are_text() -> None:
    bar = _Bar(2, "[red]study")
    with bar.bar.console.capture() as shown:
        bar.line("row [bold] of [/no] kind")
        bar.advance("[cyan]cell")
        bar.bar.console.print(bar.bar.get_renderable())
    for text in ("row [bold] of [/no] kind", "[red]study", "[cyan]cell"):
        assert text in shown.get()


def test_what_was_done_before_a_cut_is_counted_but_not_timed(capsys: pytest.CaptureFixture[str]) -> None:
    plain = _Plain(40)
    plain.skip(20)
    plain._begin -= 100
    plain._last -= 100
    plain.advance("loss 1")
    assert capsys.readouterr().err == "  21/40 loss 1 · 31 min 40 s left at this pace\n"
    bar = _Bar(40, "training")
    bar.skip(20)
    bar.advance("loss 1")
    assert bar.bar.tasks[0].completed == 21
    assert not bar.bar.tasks[0].finished


class Cell:
    """What IPython gives of a cell: the display is kept, and may be updated."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def display(self, what: str, display_id: bool) -> Cell:
        assert display_id
        self.shown.append(what)
        return self

    def update(self, what: str) -> None:
        self.shown.append(what)


def test_a_notebook_shows_a_bar_that_goes_when_the_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    cell, ipython, display = Cell(), ModuleType("IPython"), ModuleType("IPython.display")
    ipython.__dict__["get_ipython"] = lambda: SimpleNamespace(kernel=object())
    display.__dict__.update(HTML=str, display=cell.display)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    with progress(40, "training <b>", show=True) as bar:
        bar.skip(20)  # type: ignore[attr-defined]  # optional
        bar._last -= 1  # type: ignore[attr-defined]  # a second ago
        bar.advance("loss <i>1")
        bar.advance("at once")
    first, then, *more, last = cell.shown
    assert first == '<progress value="0" max="40"></progress> training &lt;b&gt; 0/40 '
    assert then.startswith('<progress value="21" max="40"></progress> training &lt;b&gt; 21/40 loss &lt;i&gt;1 · ')
    assert (more, last) == ([], "")
    with pytest.raises(KeyboardInterrupt), progress(2, "cut", show=True):
        raise KeyboardInterrupt
    assert cell.shown[-1] == ""


def test_a_shell_of_ipython_is_no_notebook(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    ipython = ModuleType("IPython")
    ipython.__dict__["get_ipython"] = lambda: SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    with progress(2, "training", show=True) as plain:
        plain.line("a line")
    assert capsys.readouterr().err == "a line\n"


def test_durations_are_words() -> None:
    given = (0.02, 3.21, 42, 59.7, 125, 3700)
    assert [duration(seconds) for seconds in given] == ["20 ms", "3.2 s", "42 s", "1 min 00 s", "2 min 05 s", "1 h 01 min"]


def test_the_first_step_is_left_out_of_the_estimate() -> None:
    clock = StepClock(enough=2, times=[100.0])
    clock.start()
    assert not clock.stop()
    clock.start()
    assert clock.stop()
    assert clock.seconds < 1
    assert not clock.stop()
