"""Slices of an evaluation: popular and rare, warm and cold targets, short and long histories."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.sequences import Sequences
from reverie.evaluation.result import Evaluation

HEAD = 0.2
"""Share of the catalogue that counts as popular."""


def slice_masks(
    items: NDArray[np.int32], lengths: NDArray[np.int32], train: Sequences, held_out: NDArray[np.bool_] | None = None
) -> dict[str, NDArray[np.bool_]]:
    """Return which rows belong to which slice.

    Parameters
    ----------
    items : ndarray, shape [R], int
        Item code of each row (the target).
    lengths : ndarray, shape [R], int
        Length of the history of each row.
    train : Sequences
    held_out : ndarray or None, shape [N + 1], bool
        Items that a draw has held out (`Split.held_out`).

    Returns
    -------
    dict of str to ndarray, shape [R], bool
        ``target:popular`` (trained at least as often as the item at 20 % of the catalogue, most popular first) and
        ``target:rare`` (the others); ``target:warm`` (in training) and ``target:cold`` (never in training, also rare), of which
        with a draw only the items drawn are cold, and the others ``target:unseen``;
        ``history:short`` (up to the median length of the rows) and ``history:long``; ``history:empty`` and ``history:some``
        (with at least one event).
    """
    counts = train.item_counts()
    descending = np.sort(counts[1:])[::-1]
    threshold = max(1, int(descending[max(0, int(np.ceil(HEAD * len(descending))) - 1)]))
    trained = counts[items]
    popular, warm = trained >= threshold, trained > 0
    short = lengths <= (np.median(lengths) if len(lengths) else 0)
    cold = {"target:cold": ~warm}
    if held_out is not None:
        cold = {"target:cold": held_out[items] & ~warm, "target:unseen": ~held_out[items] & ~warm}
    return {
        "target:popular": popular, "target:rare": ~popular, "target:warm": warm, **cold, "history:short": short,
        "history:long": ~short, "history:empty": lengths == 0, "history:some": lengths > 0,
    }  # fmt: skip


def kind_masks(ranks: pl.DataFrame) -> dict[str, NDArray[np.bool_]]:
    """Return which rows have a target of which kind, by the names ``kind:<name>``; nothing where kinds are not known."""
    if "kind" not in ranks.columns:
        return {}
    return {f"kind:{kind}": (ranks["kind"] == kind).to_numpy() for kind in ranks["kind"].unique().sort() if kind}


def sliced(evaluation: Evaluation, train: Sequences, held_out: NDArray[np.bool_] | None = None) -> dict[str, Evaluation]:
    """Cut an evaluation into slices, each an evaluation of its own.

    Ranks and labelled rows are kept by their target, lists by their query. A query with several targets is measured in a
    slice on those of its targets that belong to it.

    Parameters
    ----------
    evaluation : Evaluation
        What was measured.
    train : Sequences
    held_out : ndarray or None, shape [N + 1], bool
        Items that a draw has held out (`Split.held_out`).

    Returns
    -------
    dict of str to Evaluation
        By the names of `slice_masks`, and ``kind:<name>`` by the kind of the target's event where that is known; slices without
        any target are left out.
    """
    ranks, scored = evaluation.ranks, evaluation.scored
    masks = slice_masks(ranks["target"].to_numpy(), ranks["length"].to_numpy(), train, held_out) | kind_masks(ranks)
    labelled = {} if scored is None else slice_masks(scored["item"].to_numpy(), scored["length"].to_numpy(), train, held_out)
    parts = {}
    for name, mask in masks.items():
        if mask.any():
            rows = None if scored is None or name not in labelled else scored.filter(pl.Series(labelled[name]))
            parts[name] = _part(evaluation, ranks.filter(pl.Series(mask)), rows)
    return parts


def with_history(evaluation: Evaluation) -> Evaluation:
    """Return the part of an evaluation whose queries have a history.

    Parameters
    ----------
    evaluation : Evaluation
        What was measured; its protocol may ask about the first event of a session, whose history is empty.

    Returns
    -------
    Evaluation
        Over fewer queries.
    """
    some = pl.col("length") > 0
    return _part(evaluation, evaluation.ranks.filter(some), None if evaluation.scored is None else evaluation.scored.filter(some))


def with_targets(evaluation: Evaluation, items: NDArray[np.int32]) -> Evaluation:
    """Return the part of an evaluation whose targets are some items.

    Parameters
    ----------
    evaluation : Evaluation
        What was measured.
    items : ndarray, shape [K], int
        Their codes in the vocabulary of the queries.

    Returns
    -------
    Evaluation
        Over fewer queries, or none.
    """
    scored = evaluation.scored
    rows = None if scored is None else scored.filter(pl.col("item").is_in(items.tolist()))
    return _part(evaluation, evaluation.ranks.filter(pl.col("target").is_in(items.tolist())), rows)


def by_kind(evaluation: Evaluation) -> dict[str, Evaluation]:
    """Return the parts of an evaluation whose targets are of one kind.

    Parameters
    ----------
    evaluation : Evaluation
        What was measured.

    Returns
    -------
    dict of str to Evaluation
        By ``kind:<name>``; nothing where kinds are not known.
    """
    masks = kind_masks(evaluation.ranks)
    return {name: _part(evaluation, evaluation.ranks.filter(pl.Series(mask)), None) for name, mask in masks.items()}


def _part(evaluation: Evaluation, ranks: pl.DataFrame, scored: pl.DataFrame | None) -> Evaluation:
    asked, measured = ranks.select("query").unique(), evaluation.measured
    lists = evaluation.topk.join(asked, on="query", how="semi", maintain_order="left")
    if measured is not None:
        measured = measured.join(asked, on="query", how="semi", maintain_order="left")
    return replace(evaluation, ranks=ranks, topk=lists, scored=scored, measured=measured)
