"""Several models over several splits, in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from reverie.data.split import Split
from reverie.errors import ConfigError
from reverie.evaluation.across import across
from reverie.evaluation.evaluate import evaluate
from reverie.models import create_model
from reverie.training.fit import fit


def cross_validate(
    models: Sequence[str] | Mapping[str, Mapping[str, Any]],
    splits: Sequence[Split],
    metrics: Sequence[str] = ("recall@10", "ndcg@10"),
    *,
    seed: int = 0,
    device: str | None = None,
    show: bool = False,
    **training: Any,
) -> pl.DataFrame:
    """Fit models on each of several splits, measure each on its test, and make one table of all.

    Parameters
    ----------
    models : sequence of str, or mapping of str to mapping
        Registered names; or rows by their name, each with options, and ``name`` where the row is called otherwise than its model.
    splits : sequence of Split
        Of one dataset: from `rolling` or `user_folds`, or by hand.
    metrics : sequence of str
        What to measure.
    seed : int
        Of weights, data order and bootstrap.
    device : str, optional
        Where to compute.
    show : bool
        Whether to show progress.
    **training
        Fields of `TrainingConfig`; each model chooses on the validation of its split.

    Returns
    -------
    polars.DataFrame
        ``model`` and the columns of `reverie.evaluation.across`; splits are called by their number, from 1, and protocol.

    Raises
    ------
    ConfigError
        If there is no model or no split, or a name or an option is unknown.

    Examples
    --------
    ``rv.cross_validate(["markov", "ease"], rv.rolling(dataset, windows=4, days=30))``
    """
    if isinstance(models, str) or not models or not splits:
        raise ConfigError("give a list of models and of splits, e.g. cross_validate(['ease'], rv.rolling(dataset))")
    rows = models if isinstance(models, Mapping) else {name: {} for name in models}
    tables = []
    for label, options in rows.items():
        own, parts = {"name": label, **options}, {}
        name = own.pop("name")
        for number, split in enumerate(splits, start=1):
            model = create_model(name, split, seed=seed, **own)
            fit(model, split, seed=seed, device=device, show=show, **training)
            found = evaluate(model, split.test, train=split.train, metrics=metrics, device=device, protocol=split.protocol)
            parts[f"{number} {split.protocol}"] = found
        tables.append(across(parts, metrics, seed=seed).insert_column(0, pl.lit(label).alias("model")))
    return pl.concat(tables)
