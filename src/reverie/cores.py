"""Processor cores: how many others keep busy, how many threads to take, and what a piece of work cost in processor time."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

_STAT = Path("/proc/stat")
SPIN = "10000"
"""Rounds that an idle thread of OpenMP waits awake: SASRec on two busy cores took 9.7 s instead of 20.7 s (3.9 s alone)."""


def usable_cores() -> set[int]:
    """Return the numbers of the cores that this process may use."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def busy_cores(seconds: float = 0.1) -> float:
    """Return how many of those cores others keep busy just now; 0 where the system does not tell.

    What runs at a lower priority than this process gives way, and does not count.
    """
    before, spent = _busy_seconds(), time.process_time()
    if before is None:
        return 0.0
    begin = time.monotonic()
    time.sleep(seconds)
    after, own, wall = _busy_seconds(), time.process_time() - spent, time.monotonic() - begin
    return 0.0 if after is None else min(max(0.0, after - before - own) / wall, float(len(usable_cores())))


def _busy_seconds() -> float | None:
    """Return the seconds that the usable cores have worked since the system started."""
    names, total, found = {f"cpu{number}" for number in usable_cores()}, 0, False
    try:
        lines = _STAT.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        name, *counts = line.split()
        if name in names and len(counts) >= 8:
            user, nice, system, _, _, irq, soft, stolen = map(int, counts[:8])
            total, found = total + user + system + irq + soft + stolen + (nice if os.nice(0) > 0 else 0), True
    return total / os.sysconf("SC_CLK_TCK") if found else None


def free_cores(busy: float) -> float:
    """Return how many cores this process can count on beside so many busy ones: those left, and its fair share at least."""
    cores = len(usable_cores())
    return max(cores - busy, cores / (busy + 1))


def let_threads_sleep() -> None:
    """Let threads of OpenMP that wait go to sleep soon, unless the user says how they wait; before torch is imported."""
    if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & set(os.environ):
        os.environ["GOMP_SPINCOUNT"] = SPIN


def choose_threads(asked: int | None = None, busy: float = 0.0) -> int:
    """Return with how many threads to compute, and let torch compute with them.

    Parameters
    ----------
    asked : int or None
        What the user wants. None takes as many as others leave cores free, and no more than torch has now.
    busy : float
        Cores that others keep busy, from `busy_cores`.
    """
    import torch

    threads = asked or min(torch.get_num_threads(), max(1, round(free_cores(busy))))
    torch.set_num_threads(threads)
    return threads


@dataclass
class Stopwatch:
    """Time of the clock and of the processor since it was made, what went before included."""

    seconds_before: float = 0.0
    processor_before: float = 0.0
    load_before: float = field(default_factory=lambda: load())
    _begin: tuple[float, float] = field(default_factory=lambda: (time.monotonic(), time.process_time()))

    @property
    def seconds(self) -> float:
        """Seconds of the clock."""
        return self.seconds_before + time.monotonic() - self._begin[0]

    @property
    def processor(self) -> float:
        """Seconds of the processor, over all threads."""
        return self.processor_before + time.process_time() - self._begin[1]

    @property
    def load(self) -> float:
        """Processes that wanted a core, mean of the minutes before the begin and before now."""
        return (self.load_before + load()) / 2


def load() -> float:
    """Return how many processes wanted a core in the last minute; 0 where the system does not tell."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return 0.0
