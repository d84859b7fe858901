"""How a study verb was called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Call:
    """How a study verb was called.

    Parameters
    ----------
    folder : Path
        Folder of the study.
    command : str
        The command line, as pages show it.
    results : Path or None
        A results table that rows are appended to.
    device : str or None
        Where to compute; None takes what is there.
    offline : bool
        Whether the network is never asked.
    show : bool
        Whether progress is shown.
    more : mapping
        Values of the verb's own options.
    """

    folder: Path
    command: str = ""
    results: Path | None = None
    device: str | None = None
    offline: bool = False
    show: bool = True
    more: Mapping[str, Any] = field(default_factory=dict)
