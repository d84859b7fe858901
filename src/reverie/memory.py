"""How much memory there is, and whether something fits into it before it is asked for."""

from __future__ import annotations

import os
import re
from pathlib import Path

from reverie.errors import ReverieError

_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")
_SAID = re.compile(
    r"can't allocate memory|not enough memory|out of memory|unable to allocate|storage size calculation overflow|"
    r"integer multiplication overflow|array is too big|maximum allowed dimension|maximum supported dimension|"
    r"overflow when unpacking long|invalid shape dimension|cannot allocate memory",
    re.IGNORECASE,
)


def available_bytes() -> int:
    """Return how much memory could be taken now, by the machine and by this process's group and limits."""
    found = re.search(r"^MemAvailable:\s*(\d+)", _MEMINFO.read_text(), re.MULTILINE) if _MEMINFO.exists() else None
    try:
        free = int(found[1]) * 1024 if found else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        free = 2**63
    try:
        limit, used = ((_GROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return min(free, int(limit) - int(used)) if limit.isdigit() else free
    except (OSError, ValueError):
        return free


def require_memory(needed: float, what: str, remedy: str) -> None:
    """Raise where something needs more bytes than there are."""
    if needed > (free := available_bytes()):
        raise ReverieError(f"{what} need {needed / 2**30:,.1f} GB, and {free / 2**30:,.1f} GB are free; {remedy}")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory does not suffice: torch and numpy say so with errors of other kinds, too."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | ValueError | TypeError) and bool(_SAID.search(str(error)))
    )
