"""What a study ran on: versions, machine, commit, peak memory."""

import contextlib
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

import reverie

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


_PACKAGES = ("torch", "numpy", "polars", "scipy", "pydantic", "safetensors")


@cache
def commit() -> str:
    """Return the short commit of the checkout that this package runs from, as it was when it was first asked for."""
    here = Path(reverie.__file__).parent
    head = _git(here, "rev-parse", "--short=9", "HEAD")
    return head + "+" if head and _git(here, "status", "--porcelain", "--untracked-files=no", "--", ".") else head


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603, S607  # fixed words
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def processor() -> str:
    """Return the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def environment() -> dict[str, object]:
    """Return what a person needs to reproduce a run."""
    import torch

    return {
        "reverie": reverie.__version__, "commit": commit(), "python": platform.python_version(), "system": platform.platform(),
        "processor": processor(), "cores": os.cpu_count(), "threads": torch.get_num_threads(),
        "accelerators": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "packages": {name: metadata.version(name) for name in _PACKAGES},
    }  # fmt: skip


def tell_commits(commits: Iterable[str]) -> list[str]:
    """Return a sentence where numbers of several commits of the code stand in one table; nothing where there is one."""
    distinct = sorted({commit for commit in commits if commit})
    return [f"Measured at several commits of the code: {', '.join(distinct)}."] if len(distinct) > 1 else []
