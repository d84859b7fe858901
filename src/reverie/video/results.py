"""Rows of the results table of the recognition study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, cast

import numpy as np

from reverie.evaluation.intervals import wilson
from reverie.video.cells import Baselines, Recognised, RecognitionCell
from reverie.video.recipe import VideoRecipe
from reverie.video.recognition.config import Checkpoint, Weights
from reverie.video.recognition.measures import Measures

COLUMNS = ("network", "method", "weights", "checkpoint", "clips", "fold", "right")
"""Of a results table, after the fixed ones; `clips` is the number of clips learned from and chosen on, `right` says which of the n
test clips were right, as hexadecimal digits of their bits, so that rows hold the accuracy exactly and clip by clip."""
ALL, CLASS, BASELINE = "all", "class:", "baseline"
MASKS = "mask_"
"""Before the names of what is measured of masks."""


def result_rows(recipe: VideoRecipe, cell: RecognitionCell, result: Recognised) -> list[dict[str, Any]]:
    """Return the rows of a training.

    By weights (``student``, ``ema``) and checkpoint (``last``, ``valid``, ``best-test``, which is optimistic): ``accuracy``, also
    of each class in the slice ``class:<name>``, ``ece`` and ``nll``. Once: ``seconds_a_step`` and what was measured of masks.
    The column `best_epoch` holds the updates after which the weights were taken.
    """
    common: dict[str, Any] = {
        "recipe": recipe.name, "dataset": cell.clips, "dataset_sha256": result.sha256, "protocol": result.protocol, "slice": ALL,
        "fit_on": "train", "model": cell.network, "seed": cell.seed, "seconds": result.seconds, "peak_mb": result.peak_mb,
        "commit": result.commit, "trials": 1, "network": cell.network, "method": cell.method, "clips": result.learned_from,
        "fold": cell.fold if cell.fold >= 0 else "",
    }  # fmt: skip
    rows = []
    for (weights, checkpoint), found in result.measures.items():
        about = common | {"weights": weights, "checkpoint": checkpoint, "best_epoch": found.step, "n": len(found.correct)}
        share = {"metric": "accuracy", "value": found.accuracy, "right": packed(found.correct)}
        rows.append(about | share | _interval(found.accuracy, len(found.correct)))
        rows += [about | {"metric": name, "value": getattr(found, name)} for name in ("ece", "nll")]
        rows += [about | {"slice": f"{CLASS}{name}", "metric": "accuracy", "value": v} for name, v in found.by_class.items()]
    rows.append(common | {"metric": "seconds_a_step", "value": result.seconds_a_step})
    rows.append(common | {"metric": "weights", "value": result.weights})
    return rows + [common | {"metric": MASKS + name, "value": value} for name, value in result.masks.items()]


def baseline_rows(recipe: VideoRecipe, clips: str, result: Baselines) -> list[dict[str, Any]]:
    """Return the rows of what does not see motion, one for each method, without a network, weights or a fold."""
    common: dict[str, Any] = {
        "recipe": recipe.name, "dataset": clips, "dataset_sha256": result.sha256, "protocol": result.protocol, "slice": ALL,
        "fit_on": "train", "model": BASELINE, "seed": 0, "commit": result.commit, "trials": 1, "clips": result.learned_from,
        "metric": "accuracy", "n": result.n,
    }  # fmt: skip
    return [common | {"method": name, "value": value} | _interval(value, result.n) for name, value in result.accuracies.items()]


def restored_baselines(rows: Sequence[Mapping[str, str]]) -> Baselines:
    """Return baselines from their rows."""
    found, first = {row["method"]: float(row["value"]) for row in rows}, rows[0]
    counts = int(first["n"]), int(first["clips"])
    return Baselines(found, *counts, first["dataset_sha256"], first["protocol"], first["commit"])


def _interval(share: float, n: int) -> dict[str, Any]:
    low, high = wilson(share, n)
    return {"low": low, "high": high, "interval": "wilson"}


def packed(correct: Sequence[int]) -> str:
    """Return which clips were right as hexadecimal digits, eight clips to two of them."""
    return np.packbits(np.array(correct, dtype=np.uint8)).tobytes().hex()


def unpacked(digits: str, n: int) -> tuple[int, ...]:
    """Return which of n clips were right, as `packed` wrote it; none where nothing was written.

    Raises
    ------
    ValueError
        If the digits are not those of n clips.
    """
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(digits), dtype=np.uint8))
    if digits and len(bits) != -(-n // 8) * 8:
        raise ValueError(f"{len(digits)} digits in the column 'right' for {n} clips")
    return tuple(int(bit) for bit in bits[:n])


def restored(rows: Sequence[Mapping[str, str]]) -> Recognised:
    """Return a training from its rows, without curves."""
    by: dict[tuple[Weights, Checkpoint], dict[str, str]] = {}
    classes: dict[tuple[Weights, Checkpoint], dict[str, float]] = {}
    once: dict[str, float] = {}
    for row in rows:
        key = cast("tuple[Weights, Checkpoint]", (row["weights"], row["checkpoint"]))
        if not row["weights"]:
            once[row["metric"]] = float(row["value"])
        elif row["slice"] == ALL:
            by.setdefault(key, {"step": row["best_epoch"], "n": row["n"]})[row["metric"]] = row["value"]
            by[key] |= {"right": row["right"]} if row["metric"] == "accuracy" else {}
        else:
            classes.setdefault(key, {})[row["slice"].removeprefix(CLASS)] = float(row["value"])
    found = {}
    for key, one in by.items():
        right = unpacked(one["right"], int(one["n"]))
        accuracy = fmean(right) if right else float(one["accuracy"])
        found[key] = Measures(accuracy, float(one["ece"]), float(one["nll"]), classes[key], right, int(one["step"]))
    first = rows[0]
    masks = {name.removeprefix(MASKS): value for name, value in once.items() if name.startswith(MASKS)}
    numbers = {"seconds": float(first["seconds"]), "seconds_a_step": once["seconds_a_step"], "peak_mb": float(first["peak_mb"])}
    numbers |= {"weights": int(once["weights"]), "learned_from": int(first["clips"])}
    about = {"sha256": first["dataset_sha256"], "protocol": first["protocol"], "commit": first["commit"]}
    return Recognised(found, {}, masks, **numbers, **about)  # type: ignore[arg-type]  # numbers and texts by name
