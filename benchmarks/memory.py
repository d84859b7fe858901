"""The most memory a process has held; needs nothing but Python, for peers that run in environments of their own."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_mb() -> float:
    """Return the most memory this process has held, in MB.

    On Linux the kernel's high-water mark of this program: that of `getrusage` is never below what the parent held when it started
    the process.
    """
    if STATUS.is_file():
        lines = STATUS.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 1024
