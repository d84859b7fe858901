"""Busy cores, threads and the stopwatch."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from reverie import cores


@pytest.mark.parametrize("busy", [0.0, 0.4, 1.0, 3.0, 50.0])
def test_free_cores_are_those_left_and_a_fair_share_at_least(busy: float) -> None:
    usable = len(cores.usable_cores())
    assert cores.free_cores(busy) == max(usable - busy, usable / (busy + 1)) > 0


def test_busy_cores_count_others_and_not_this_process() -> None:
    assert 0 <= cores.busy_cores(0.02) <= len(cores.usable_cores())
    before = cores._busy_seconds()
    if before is None:
        pytest.skip("this system does not tell")
    begin = time.process_time()
    while time.process_time() - begin < 0.05:
        pass
    after = cores._busy_seconds()
    assert after is not None
    assert after >= before + 0.03, "what this process did is counted by the system"


@pytest.mark.parametrize("given", [{}, {"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": "ACTIVE"}])
def test_the_user_says_how_threads_wait(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    cores.let_threads_sleep()
    expected = given or {"GOMP_SPINCOUNT": cores.SPIN}
    assert {name: os.environ[name] for name in expected} == expected
    assert ("GOMP_SPINCOUNT" in os.environ) == ("GOMP_SPINCOUNT" in expected)
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)


def test_threads_are_chosen_by_what_is_asked_then_by_the_load() -> None:
    program = """
from reverie.cores import choose_threads, usable_cores
import torch
torch.set_num_threads(2)
busy = len(usable_cores()) - 1.0
assert choose_threads(3, 0.0) == 3 == torch.get_num_threads()
torch.set_num_threads(2)
assert choose_threads(None, busy) == 1 == torch.get_num_threads()
assert choose_threads(None, 0.0) == 1, "no more than there were"
"""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


def test_a_stopwatch_goes_on_from_what_was_before() -> None:
    watch = cores.Stopwatch(100.0, 50.0)
    first = (watch.seconds, watch.processor)
    assert first[0] >= 100
    assert first[1] >= 50
    assert watch.seconds >= first[0]
    assert watch.load >= 0
