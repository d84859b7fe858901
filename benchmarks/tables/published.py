"""Published figures and the bars that our rows are held against, as `published.yaml` states them."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import Field, PositiveInt

from reverie.options import Options, checked

FILE = Path(__file__).resolve().with_name("published.yaml")


class Figure(Options):
    """What somebody else reports for one system on one dataset."""

    system: str
    """As the source calls it."""
    row: str | None = None
    """Our row of the same kind."""
    source: str
    """Where it was read."""
    values: dict[str, float]
    """By metric, as fractions; a hit rate with one target is recall."""
    differs: str
    """What differs in data, loss, width, protocol or tie rule, in one sentence."""


class Bar(Options):
    """What our best row is held against."""

    values: dict[str, float]
    """By metric."""
    whence: str
    """Whose figures they are."""
    reported_only: str | None = None
    """Why it does not count, where it does not."""


class Published(Options):
    """All that is known of one dataset."""

    k: PositiveInt = 10
    """Cut-off that the dataset's tables are made for."""
    bar: Bar | None = None
    """None where there is none."""
    published: tuple[Figure, ...] = Field(default=())
    """In the order to print."""


def load_published(path: Path = FILE) -> dict[str, Published]:
    """Read the file.

    Parameters
    ----------
    path : Path
        YAML.

    Returns
    -------
    dict of str to Published
        By dataset.
    """
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: checked(Published, known, f"{path.name}, {name}") for name, known in values.items()}
