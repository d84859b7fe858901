"""Peak memory of one piece of work."""

from __future__ import annotations

import contextlib
import resource
import sys
from pathlib import Path

_RESET, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def reset_peak() -> None:
    """Start a new measurement where the system allows it (Linux); elsewhere the peak is that of the whole process."""
    with contextlib.suppress(OSError):
        _RESET.write_text("5", encoding="ascii")


def peak_mb() -> float:
    """Return the largest resident memory since `reset_peak`."""
    with contextlib.suppress(OSError):
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    unit = 2**20 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
