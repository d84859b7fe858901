"""Several models over several splits, in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from reverie.calls import named, require_split
from reverie.data.split import Split
from reverie.errors import ConfigError
from reverie.evaluation.across import across
from reverie.evaluation.evaluate import evaluate
from reverie.evaluation.metrics import parsed
from reverie.models import adopt, create_model
from reverie.protocols import Recommender
from reverie.training.compared import Compared, anew, labelled
from reverie.training.fit import fit


def cross_validate(
    models: Sequence[Compared] | Mapping[str, Compared | Mapping[str, Any]],
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
    models : sequence or mapping
        Registered names, and models in memory, which are copied and fitted anew on each split. A mapping gives labels; its values
        may be options, too, with ``name`` where the row is called otherwise than its model.
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
        If there is no model or no split, a name or an option is unknown, or a model is fitted already.

    Examples
    --------
    ``rv.cross_validate(["markov", "ease", Mine()], rv.rolling(dataset, windows=4, days=30))``
    """
    if any(isinstance(one, Split) for one in (models, *(models if isinstance(models, list | tuple) else ()))):
        raise ConfigError("splits stand where models are due, which come first: rv.cross_validate(models, splits)")
    if isinstance(splits, Split):
        raise ConfigError("this is one split and no list; give rv.user_folds(dataset) or rv.rolling(dataset), or [split]")
    if not isinstance(splits, Sequence) or not splits:
        raise ConfigError(f"splits={named(splits)} are no splits; write rv.cross_validate(['ease'], rv.rolling(dataset))")
    for split in splits:
        require_split(split, "rv.cross_validate(models, splits)")
    parsed(metrics)  # an unknown one is refused before anything is fitted
    tables = []
    for label, one in labelled(models, splits[0].vocabulary).items():
        parts = {}
        for number, split in enumerate(splits, start=1):
            model = _unfitted(label, one, split, seed)
            fit(model, split, seed=seed, device=device, show=show, **training)
            found = evaluate(model, split.test, train=split.train, metrics=metrics, device=device, protocol=split.protocol)
            parts[f"{number} {split.protocol}"] = found
        tables.append(across(parts, metrics, seed=seed).insert_column(0, pl.lit(label).alias("model")))
    return pl.concat(tables)


def _unfitted(label: str, one: Any, split: Split, seed: int) -> Recommender:
    """Return a new model of what is compared: of options, a name, or a model in memory, which may know no test."""
    if isinstance(one, Mapping):
        own = {"name": label, **one}
        return create_model(own.pop("name"), split, seed=seed, **own)
    if not isinstance(one, str) and adopt(one, split.vocabulary).card.fitted:
        raise ConfigError(f"model '{label}' is fitted, perhaps on what these splits ask; give one that is not, or its name")
    return anew(one, split.vocabulary, seed)
