"""Parsing of metric names such as ``ndcg@10`` and ``auc``."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.errors import ConfigError, unknown

RANKED = ("recall", "hit", "ndcg", "mrr", "map")
"""Computed from the ranks of targets."""
LISTED = ("coverage", "gini", "novelty", "popularity", "popularity_lift")
"""Computed from the recommended lists."""
LABELLED = ("auc", "uauc", "undcg")
"""Computed from labelled scores; they have no cut-off. `undcg` is the mean over users of the NDCG of their labelled rows."""


@dataclass(frozen=True)
class Metric:
    """A metric and its cut-off.

    Parameters
    ----------
    name : str
        One of `RANKED`, `LISTED` or `LABELLED`.
    k : int
        Length of the list it looks at; 0 for metrics without one.
    """

    name: str
    k: int = 0

    def __str__(self) -> str:
        return f"{self.name}@{self.k}" if self.k else self.name


def parse(text: str) -> Metric:
    """Read the name of a metric.

    Parameters
    ----------
    text : str
        E.g. ``"ndcg@10"`` or ``"auc"``.

    Returns
    -------
    Metric
        Its parts.

    Raises
    ------
    ConfigError
        If there is no such metric, or its cut-off is missing, out of place or not a positive whole number.

    Examples
    --------
    >>> parse("ndcg@10")
    Metric(name='ndcg', k=10)
    """
    name, at, k = text.partition("@")
    if name in LABELLED:
        if at:
            raise ConfigError(f"metric '{text}' takes no cut-off; write '{name}'")
        return Metric(name)
    if name not in (*RANKED, *LISTED):
        raise unknown("metric", text, [*(f"{n}@10" for n in (*RANKED, *LISTED)), *LABELLED])
    if not (k.isascii() and k.isdigit()) or int(k) < 1:
        raise ConfigError(f"metric '{text}' needs a cut-off of 1 or more; write for instance '{name}@10'")
    return Metric(name, int(k))
