"""`compare`: models by name or in memory, fitted and measured on one split, as a leaderboard."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Unpack

from reverie.calls import named, require_count, require_split, require_valid
from reverie.data.split import Split
from reverie.errors import ConfigError, DataError, ReverieError
from reverie.evaluation import evaluate
from reverie.evaluation.metrics import parsed
from reverie.models import adopt
from reverie.options import checked
from reverie.protocols import Recommender
from reverie.report.board import Leaderboard
from reverie.report.cells import METRICS
from reverie.report.ranking import rank
from reverie.study.environment import commit
from reverie.training.compared import Compared, anew, labelled
from reverie.training.config import TrainingConfig, TrainingOptions
from reverie.training.fit import Fitted, fit
from reverie.training.trial import Trial


def compare(
    split: Split,
    models: Sequence[Compared] | Mapping[str, Compared],
    *,
    seeds: int = 1,
    metrics: Sequence[str] = METRICS,
    baselines: bool = True,
    device: str | None = None,
    show: bool = True,
    **training: Unpack[TrainingOptions],
) -> Leaderboard:
    """Fit models on one split, measure them on its test in the same way, and compare every two of them.

    Choices are made on validation, and the test is looked at once. What cannot be fitted or measured is left out with a warning
    and stands in `Leaderboard.left_out`. Nothing is written; `reverie compare` keeps runs in folders and goes on with them.

    Parameters
    ----------
    split : Split
        Where they learn and are measured.
    models : sequence or mapping
        Registered names, and models in memory; a mapping gives labels. One that is not fitted yet is copied and fitted, with
        weights drawn anew for each seed; one that is fitted is measured as it is, once.
    seeds : int
        Fits of each, with the seeds 0, 1, …
    metrics : sequence of str
        What the board shows.
    baselines : bool
        Whether popularity, recent popularity (where events have times) and first-order Markov stand beside them.
    device : str or None
        Where to compute; None takes an accelerator where there is one.
    show : bool
        Whether to show progress.
    **training
        Fields of `TrainingConfig`, for all models that are fitted; by default those of each model.

    Returns
    -------
    Leaderboard
        Sorted by NDCG@10 on test, with intervals over users, or over seeds × users where there are several.

    Raises
    ------
    ConfigError
        If a name, a metric or an option is unknown, or there is no model.
    DataError
        If no model could be measured.

    Examples
    --------
    ``rv.compare(split, models=["ease", rv.create_model("sasrec", split, dim=32)], seeds=3, epochs=20)``
    """
    require_split(split, f"rv.compare(split, {'models' if isinstance(models, Split) else named(models)})")
    require_valid(split, "rv.cross_validate(models, [split], on='train+valid')")
    require_count(seeds, "seeds")
    if isinstance(metrics, str):
        raise ConfigError(f"metrics='{metrics}' is no list; write metrics=['{metrics}']")
    parsed(metrics)  # an unknown one is refused before anything is fitted
    config = checked(TrainingConfig, training, "training")
    groups: dict[str, tuple[Trial, ...]] = {}
    left_out: dict[str, str] = {}
    asked = labelled(models, split.vocabulary)
    for label, one in (_with_baselines(asked, split) if baselines else asked).items():
        try:
            found = _fits(one, split, range(config.seed, config.seed + seeds), training, device, show)
            groups[label] = tuple(_measured(label, *each, split, metrics, device) for each in found)
        except Exception as error:  # of somebody's own model anything may come; the others go on
            left_out[label] = str(error) if isinstance(error, ReverieError) else f"{type(error).__name__}: {error}"
            warnings.warn(f"{label} is left out: {left_out[label]}", stacklevel=2)
    if not groups:
        raise DataError("no model can be compared: " + "; ".join(f"{label}: {why}" for label, why in left_out.items()))
    return rank(groups, metrics, left_out=left_out)


def _with_baselines(found: dict[str, Compared], split: Split) -> dict[str, Compared]:
    """Return what is compared and, last, the baselines that are not named."""
    usual = ["popularity", *(["recent-popularity"] if "time" in split.train.columns else []), "markov"]
    return found | {name: name for name in usual if name not in found}


def _fits(
    one: Compared, split: Split, seeds: range, training: TrainingOptions, device: str | None, show: bool
) -> Iterator[tuple[Recommender, TrainingConfig, Fitted]]:
    """Yield a fitted model for each seed, how it was fitted, and what that took; one that comes fitted once, as it is."""
    given = None if isinstance(one, str) else adopt(one, split.vocabulary)
    if given is not None and given.card.fitted:
        yield given, TrainingConfig(), Fitted(math.nan, math.nan)
        return
    for seed in seeds:
        model = anew(one, split.vocabulary if given is None else given.card.vocabulary, seed)
        usual = getattr(model.card.config, "training_defaults", {})
        config = checked(TrainingConfig, {**usual, **training, "seed": seed}, "training")
        yield model, config, fit(model, split, config, device=device, show=show)


def _measured(
    label: str, model: Recommender, config: TrainingConfig, fitted: Fitted, split: Split, metrics: Sequence[str], device: str | None
) -> Trial:
    """Measure a fitted model on validation and on the test."""
    valid, test = (
        evaluate(model, queries, device=device, train=split.train, protocol=split.protocol, metrics=metrics)
        for queries in (split.valid, split.test)
    )
    facts = {"dataset": split.dataset, "dataset_sha256": split.sha256, "protocol": split.protocol, "commit": commit()}
    return Trial(label, model, config, fitted, valid, test, facts)
