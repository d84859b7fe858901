"""What lists hold: untrained items, and the items of another ranking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reverie.evaluation import measure, parse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.evaluation import Evaluation

Row = dict[str, object]


def list_rows(case: str, train_counts: NDArray[np.int64], tests: dict[str, Evaluation]) -> list[Row]:
    """Describe lists of 20: how many places untrained items hold, and how much of the first row's lists the others share.

    Parameters
    ----------
    case : str
        For the rows.
    train_counts : ndarray, shape [N + 1]
        Events of each item in what was fitted on.
    tests : dict of str to Evaluation
        By row; the first one is compared with.

    Returns
    -------
    list of dict
        Shares.
    """
    first, rows = next(iter(tests.values())).topk.select("query", "item"), []
    for name, test in tests.items():
        items = test.topk["item"].to_numpy()
        rows.append(
            {"case": case, "metric": f"places held by untrained items: {name}", "value": float((train_counts[items] == 0).mean())}
        )
        both = test.topk.select("query", "item").join(first, on=["query", "item"], how="semi").height
        rows.append({"case": case, "metric": f"places shared with the exact mean: {name}", "value": both / first.height})
        rows.append({"case": case, "metric": f"different items in all lists: {name}", "value": len(np.unique(items))})
    return rows


def untrained_rows(case: str, train_counts: NDArray[np.int64], tests: dict[str, Evaluation], k: int = 20) -> list[Row]:
    """Return the part of the hit rate that comes from targets without training events.

    Parameters
    ----------
    case : str
        For the rows.
    train_counts : ndarray, shape [N + 1]
        Events of each item in what was fitted on.
    tests : dict of str to Evaluation
        By row; one target per query.
    k : int
        Length of the lists.

    Returns
    -------
    list of dict
        Shares of all queries.
    """
    rows: list[Row] = []
    for name, test in tests.items():
        hits = measure(test, parse(f"recall@{k}")).numerator
        cold = train_counts[test.ranks["target"].to_numpy()] == 0
        rows.append({"case": case, "metric": f"HR@{k} by untrained targets: {name}", "value": float(hits[cold].sum() / len(hits))})
    return rows
