"""Sweeps behind the plots: strength of guidance, epochs of training, age of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dreamrec_page.runs import with_options
from reverie.evaluation import Evaluation, evaluate, pooled
from reverie.models import create_model
from reverie.models.dreamrec.model import DreamRec
from reverie.study.progress import progress
from reverie.training.loop import Trainer, training_source

if TYPE_CHECKING:
    from reverie.data.split import Split
    from reverie.training.recipe import Recipe
    from reverie.training.run import Run

Row = dict[str, object]
METRICS = ("recall@20", "ndcg@20")
FREQUENT = 0.2
"""Share of the catalogue, most frequent first, that counts as frequent."""


def guidance_rows(runs: list[Run], split: Split, strengths: list[float]) -> list[Row]:
    """Measure the exact mean at several strengths of guidance, by weights trained once.

    Parameters
    ----------
    runs : list of Run
        Of DreamRec, one per seed.
    split : Split
        Validation and test are asked.
    strengths : list of float
        Values of w.

    Returns
    -------
    list of dict
        Values with the ends of their intervals, mean over seeds.
    """
    rows: list[Row] = []
    for part in ("valid", "test"):
        for strength in strengths:
            models = [with_options(run, guidance=strength) for run in runs]
            rows += interval_rows(f"guidance {part}, w={strength:g}", [evaluate(m, getattr(split, part), top=0) for m in models])
    return rows


def staleness_rows(split: Split, windows: int) -> list[Row]:
    """Measure the most frequent items of successive windows of sequences on the test that comes after all of them.

    Parameters
    ----------
    split : Split
        Its sequences stand in the order of time.
    windows : int
        Number of windows of as many sequences as the validation part has, the latest (that part itself) first.

    Returns
    -------
    list of dict
        Window 1 is the latest.
    """
    size, rows = len(split.refit) - len(split.train), []
    for window in range(windows):
        stop = len(split.refit) - window * size
        model: Any = create_model("popularity", split)
        model.fit_counts(split.refit.take(np.arange(max(stop - size, 0), stop)))
        rows += interval_rows(f"popularity of window {window + 1:02d}", [evaluate(model, split.test, top=0)])
    return rows


def collapse_rows(name: str, recipe: Recipe, split: Split, epochs: int, every: int = 1) -> list[Row]:
    """Train for some epochs and look at the item vectors on the way.

    Parameters
    ----------
    name : str
        Of the case.
    recipe : Recipe
        Of DreamRec.
    split : Split
        Where.
    epochs : int
        How many; nothing stops earlier.
    every : int
        Epochs between looks.

    Returns
    -------
    list of dict
        Epoch 0 is before training.
    """
    options = recipe.training.model_copy(update={"epochs": epochs, "patience": epochs + 1, "validate_every": every})
    model = create_model("dreamrec", split, seed=recipe.training.seed, **recipe.model_options)
    assert isinstance(model, DreamRec)
    groups = item_groups(split.train.item_counts()[1:])
    seen = [state(model, split, groups)]

    def look() -> float:
        seen.append(state(model, split, groups))
        return 0.0

    trainer = Trainer(model, training_source(model, split.train), options, look, None, torch.device("cpu"))
    with progress(epochs, f"watching {name}", False) as shown:
        log = trainer.run(shown)
    after = [row for row in log.rows if f"valid_{options.metric}" in row]
    for row, found in zip(after, seen[1:], strict=True):
        found["loss"] = row["loss"]
    return [
        {"case": f"collapse {name}, epoch {epoch:03d}", "metric": metric, "value": value}
        for epoch, values in zip([0, *(row["epoch"] for row in after)], seen, strict=True)
        for metric, value in values.items()
    ]


def item_groups(counts: np.ndarray) -> dict[str, torch.Tensor]:
    """Divide items by how often training has them.

    Parameters
    ----------
    counts : ndarray, shape [N]
        Events.

    Returns
    -------
    dict of str to Tensor
        Indices of ``frequent`` (the first `FREQUENT` of the catalogue), ``rare`` (the others with an event), ``untrained`` items.
    """
    order = np.argsort(-counts, kind="stable")
    cut = max(1, int(np.ceil(FREQUENT * len(counts))))
    rare = order[cut:]
    parts = {"frequent": order[:cut], "rare": rare[counts[rare] > 0], "untrained": rare[counts[rare] == 0]}
    return {name: torch.from_numpy(np.sort(part)) for name, part in parts.items()}


def norms(model: DreamRec, groups: dict[str, torch.Tensor]) -> dict[str, float]:
    """Return the mean length of the item vectors of each group, and of their differences within a group of trained items.

    Parameters
    ----------
    model : DreamRec
        In any state.
    groups : dict of str to Tensor
        Indices; empty ones are left out.

    Returns
    -------
    dict of str to float
        By metric.
    """
    table = model.item_table().detach()
    found = {f"norm of {name} items": float(table[index].norm(dim=1).mean()) for name, index in groups.items() if len(index)}
    frequent = table[groups["frequent"]]
    return found | {"distance of frequent items from their mean": float((frequent - frequent.mean(0)).norm(dim=1).mean())}


def state(model: DreamRec, split: Split, groups: dict[str, torch.Tensor]) -> dict[str, float]:
    """Return what the model does as it stands, and what its item vectors look like.

    Parameters
    ----------
    model : DreamRec
        In any state.
    split : Split
        Validation and test are asked; nothing is chosen.
    groups : dict of str to Tensor
        From `item_groups`.

    Returns
    -------
    dict of str to float
        Metrics by name (those of the test begin with ``test``), the share of the places of lists that untrained items hold on
        validation, and `norms`.
    """
    valid, test = evaluate(model, split.valid, top=20, train=split.train), evaluate(model, split.test, top=0)
    found = {metric: valid.value(metric) for metric in METRICS} | {f"test {metric}": test.value(metric) for metric in METRICS}
    untrained = float((valid.topk["popularity"] == 0).mean())  # type: ignore[arg-type]  # a share
    return found | {"places held by untrained items": untrained} | norms(model, groups)


def interval_rows(case: str, seeds: list[Evaluation]) -> list[Row]:
    """Return metrics and the ends of their intervals as rows.

    Parameters
    ----------
    case : str
        For the rows.
    seeds : list of Evaluation
        One per seed.

    Returns
    -------
    list of dict
        Three per metric.
    """
    return [
        {"case": case, "metric": row["metric"] + suffix, "value": row[name]}
        for row in pooled(seeds, METRICS).to_dicts()
        for name, suffix in (("value", ""), ("low", ", low"), ("high", ", high"))
    ]
