"""Progress of a study on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.study.progress import StepClock, _Bar, _Plain, duration

if TYPE_CHECKING:
    import pytest


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
    assert capsys.readouterr().err == "  21/40 loss 1 · at most 1900 s left\n"
    bar = _Bar(40, "training")
    bar.skip(20)
    bar.advance("loss 1")
    assert bar.bar.tasks[0].completed == 21
    assert not bar.bar.tasks[0].finished


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
