"""Rows of the results table of a content study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.content.cells import ContentCell, Trained, TruthCell
from reverie.content.clip_world.oracle import blind_hit_rates
from reverie.content.data import encoder_options
from reverie.content.recipe import METRICS, SLICES, ContentRecipe
from reverie.evaluation import Evaluation, sliced
from reverie.study.rows import common_columns

if TYPE_CHECKING:
    from reverie.data.split import Split

COLUMNS = ("data", "recommender", "item_encoder", "tuning", "fusion", "drop")
"""Of the results table, after the fixed ones; `data` is what the recipe calls them, as one dataset may stand there whole and with
content taken away; `drop` is the modality that was taken from all items at the test."""
ORACLE, BLIND = "oracle", "blind"
CHANCE, NEW_FIRST = "chance", "new-first"


def sliced_by(split: Split, evaluation: Evaluation) -> dict[str, Evaluation]:
    """Return the slices of a test of a split; without a draw of items no target is cold."""
    drawn = np.zeros(split.vocabulary.n_items + 1, dtype=np.bool_) if split.held_out is None else split.held_out
    return sliced(evaluation, split.train, drawn)


def blind_rates(split: Split, cold: Evaluation, k: int) -> tuple[float, float]:
    """Return `blind_hit_rates` of questions about cold items; a new clip that the user clicked before is no candidate."""
    without, offsets = int((split.train.item_counts()[1:] == 0).sum()), split.test.unread_offsets
    unread = np.zeros(len(split.test), dtype=np.int64) if offsets is None else np.diff(offsets)
    return blind_hit_rates(cold.ranks["n_candidates"].to_numpy(), without - unread[cold.ranks["query"].to_numpy()], k)


def said_options(recipe: ContentRecipe, recommender: str, encoder: str) -> dict[str, str]:
    """Return what the columns of an encoder say."""
    if not encoder:
        return {"item_encoder": recipe.recommenders[recommender].reads, "tuning": "", "fusion": ""}
    one = recipe.encoders[encoder]
    options = encoder_options(one.set)
    parts = getattr(options, "parts", (options,))
    found = "+".join(dict.fromkeys(part.tuning for part in parts if hasattr(part, "tuning")))
    tuning = found if one.tuning is None else one.tuning
    fusion = getattr(options, "fusion", "") if one.fusion is None else one.fusion
    return {"item_encoder": encoder, "tuning": tuning, "fusion": fusion}


def trained_rows(recipe: ContentRecipe, cell: ContentCell, split: Split, result: Trained) -> list[dict[str, Any]]:
    """Return the rows of a training: each metric on each slice, whole and without each modality that was dropped."""
    common = common_columns(
        recipe.name, split, model=recipe.recommenders[cell.recommender].model, seed=cell.seed, seen=split.test.seen,
        data=cell.data, recommender=cell.recommender, **said_options(recipe, cell.recommender, cell.encoder),
        seconds=result.seconds, peak_mb=result.peak_mb, best_epoch=result.best_epoch, commit=result.commit,
    )  # fmt: skip
    rows = [row for drop in result.drops for row in _measured(common | {"drop": drop}, result.evaluation(drop), split)]
    counts = {"weights": result.weights, "items_cold": result.n_cold} | {f"items_without_{k}": n for k, n in result.without.items()}
    return rows + [common | {"drop": "", "metric": name, "value": value} for name, value in counts.items()]


def truth_rows(recipe: ContentRecipe, cell: TruthCell, split: Split, result: Trained) -> list[dict[str, Any]]:
    """Return the rows of oracles by what they know, and the hit rates on new clips that need no knowledge of taste."""
    common = common_columns(
        recipe.name, split, seed=0, seen=split.test.seen, commit=result.commit, data=cell.data, drop="", tuning="", fusion=""
    )
    oracle = common | {"model": ORACLE, "recommender": ORACLE}
    rows = [row for known in result.drops for row in _measured(oracle | {"item_encoder": known}, result.evaluation(known), split)]
    cold = sliced_by(split, result.evaluation(result.drops[0])).get("target:cold")
    if cold is None:
        return rows
    blind = common | {"model": BLIND, "recommender": BLIND, "slice": "target:cold", "n": len(cold.ranks)}
    for k in (10, 20):
        rates = blind_rates(split, cold, k)
        named = zip((CHANCE, NEW_FIRST), rates, strict=True)
        rows += [blind | {"item_encoder": name, "metric": f"recall@{k}", "value": rate} for name, rate in named]
    return rows


def _measured(common: dict[str, Any], evaluation: Evaluation, split: Split) -> Iterator[dict[str, Any]]:
    parts = {"all": evaluation} | sliced_by(split, evaluation)
    for name in SLICES:
        if name in parts:
            found = parts[name].metrics(METRICS).select("metric", "value", "low", "high", "interval", "n")
            yield from (common | {"slice": name} | row for row in found.to_dicts())
