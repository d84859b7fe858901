"""One virtual environment per peer, because their pins contradict each other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
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
    return environment(name, system.package, system.requirements, folder, ("torch", "pyarrow"))


def environment(name: str, package: str, requirements: Sequence[str], folder: Path, needs: Sequence[str] = ("torch",)) -> Path:
    """Return the interpreter of an environment, making it where it is missing.

    Parameters
    ----------
    name : str
        The environment is ``venv-<name>``.
    package : str
        Distribution that it is made for.
    requirements : sequence of str
        What pip installs.
    folder : Path
        Where the environments are.
    needs : sequence of str
        Modules that must import for it to count as made.

    Returns
    -------
    Path
        A Python.
    """
    place = folder / f"venv-{name}"
    python = place / "bin" / "python"
    if not _installed(python, package, needs):
        print(f"making {place.name}: pip install {' '.join(requirements)}", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["python3.11", "-m", "venv", str(place)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *requirements], check=True)
    return python


def _installed(python: Path, package: str, needs: Sequence[str]) -> bool:
    """Whether the interpreter exists and knows the package; pip writes its record last."""
    command = [str(python), "-c", f"import importlib.metadata as m; m.version({package!r}); import {', '.join(needs)}"]
    return python.exists() and subprocess.run(command, capture_output=True, check=False).returncode == 0
