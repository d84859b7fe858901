"""One virtual environment per peer, because their pins contradict each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from systems import SYSTEMS


def interpreter(name: str, folder: Path) -> Path:
    """Return the interpreter of a system, making its environment where it is missing.

    Parameters
    ----------
    name : str
        Of the system.
    folder : Path
        Where the environments are; each is ``venv-<name>``.

    Returns
    -------
    Path
        A Python; for a system without requirements the running one.
    """
    system = SYSTEMS[name]
    if not system.requirements:
        return Path(sys.executable)
    place = folder / f"venv-{name}"
    python = place / "bin" / "python"
    if not _installed(python, system.package):
        print(f"making {place.name}: pip install {' '.join(system.requirements)}", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["python3.11", "-m", "venv", str(place)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *system.requirements], check=True)
    return python


def _installed(python: Path, package: str) -> bool:
    """Whether the interpreter exists and knows the package; pip writes its record last."""
    command = [str(python), "-c", f"import importlib.metadata as m; m.version({package!r}); import torch, pyarrow"]
    return python.exists() and subprocess.run(command, capture_output=True, check=False).returncode == 0
