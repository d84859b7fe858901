"""Fit any recommender, and the trivial baselines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import NonNegativeFloat, NonNegativeInt  # pydantic reads them

from reverie import processes
from reverie.cores import Stopwatch
from reverie.data.recode import recode
from reverie.data.sequences import Sequences
from reverie.data.split import Split
from reverie.models.create import create_model
from reverie.options import checked
from reverie.protocols import Counts, Recommender
from reverie.seeds import numpy_generator
from reverie.study.environment import peak_mb, reset_peak
from reverie.study.progress import Progress, progress
from reverie.training.config import TrainingConfig

COUNTING_QUERIES = 6_000
"""Validation queries that a counting model's search looks at, at most."""


@dataclass(frozen=True)
class Fitted:
    """What a fit did."""

    seconds: NonNegativeFloat
    peak_mb: NonNegativeFloat
    best_epoch: NonNegativeInt | None = None
    best_value: float | None = None
    chosen: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, int | float]] = field(default_factory=list)
    processor_seconds: NonNegativeFloat | None = None
    """Over all threads; with `load`, it tells whether the time of the clock was spent waiting. Runs of before have neither."""
    load: NonNegativeFloat | None = None
    """Processes that wanted a core meanwhile, this one among them."""


def fit(
    model: Recommender,
    split: Split,
    config: TrainingConfig | None = None,
    *,
    folder: str | Path | None = None,
    device: str | None = None,
    show: bool = True,
    on_validation: Callable[[int, float], None] | None = None,
    **options: Any,
) -> Fitted:
    """Fit a model to the training events of a split; choose on its validation queries; never look at the test.

    Parameters
    ----------
    model : Recommender
        Created by `reverie.create_model`.
    split : Split
        Where to learn and to choose.
    config : TrainingConfig or None
        How; None takes the defaults.
    folder : path or None
        A run folder for log and state. With a state inside, training goes on from there.
    device : str or None
        Where to compute; None takes an accelerator where there is one.
    show : bool
        Whether to show progress.
    on_validation : callable or None
        Told the epoch, counted from 1, and its metric after each validation of a gradient training; what it raises ends the fit.
    **options
        Fields of `TrainingConfig` that replace those of `config`.

    Returns
    -------
    Fitted
        Time, memory, the best epoch and what was chosen; both are None where the metric is not defined on the validation
        queries, and the last epoch is kept.

    Raises
    ------
    ConfigError
        If an option is unknown or not valid.
    DataError
        If the split has items or users that the model does not know; codes of others are matched by their ids.
    RunError
        If the loss is no longer finite, or a checkpoint belongs to another model.
    """
    chosen = checked(TrainingConfig, {**(config or TrainingConfig()).model_dump(), **options}, "training")
    if not split.vocabulary.holds_in(model.card.vocabulary):  # a model that was made from other events, perhaps long ago
        split = recode(split, model.card.vocabulary)
    measure = None if chosen.on == "train+valid" else validation_measure(model, split, chosen, device)
    sequences = split.learn_from(chosen.on)
    reset_peak()
    if isinstance(model, Counts):
        watch = Stopwatch()
        with progress(settings_tried_by(model.card.config), f"fitting {model.card.name}", show) as shown:
            overrides = model.fit_counts(sequences, measure and _counted(measure, chosen.metric, shown), chosen.seed)
        return Fitted(watch.seconds, peak_mb(), chosen=overrides, processor_seconds=watch.processor, load=watch.load)

    import torch

    from reverie.training.loop import Trainer, training_source
    from reverie.training.optimiser import choose_device

    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"{type(model).__name__} is neither a torch module nor a model that counts")
    place = choose_device(device)
    processes.start(place)
    model = model.to(place)
    source, kept = training_source(model, sequences), None if folder is None else Path(folder)
    trainer = Trainer(model, source, chosen, measure, kept, place, on_validation)
    with progress(chosen.epochs, f"training {model.card.name}", show) as shown:
        log = trainer.run(shown)
    value = trainer.best.value if trainer.best.weights else None
    last: dict[str, Any] = getattr(model, "choose", lambda _: {})(measure) if measure else {}
    spent = (trainer.watch.processor, trainer.watch.load)
    return Fitted(trainer.seconds, peak_mb(), trainer.best.epoch or None, value, last, log.rows, *spent)


def settings_tried_by(config: object) -> int:
    """Return how many settings a model with these options tries on validation by itself, 1 where it chooses nothing."""
    return max(1, int(getattr(config, "trials", 0) or len(getattr(config, "grid", ()))))


def _counted(measure: Callable[[], float], metric: str, shown: Progress) -> Callable[[], float]:
    """Return a measure that also tells how far a search is."""

    def measured() -> float:
        value = measure()
        shown.advance(f"{metric} {value:.4g}")
        return value

    return measured


def validation_measure(model: Recommender, split: Split, config: TrainingConfig, device: str | None = None) -> Callable[[], float]:
    """Return a function that measures a model on validation, on the same queries each time."""
    from reverie.evaluation import evaluate

    queries = split.valid
    limit = config.validation_queries or (COUNTING_QUERIES if isinstance(model, Counts) else None)
    if limit is not None and limit < len(queries):
        drawn = numpy_generator(config.seed, "validation").choice(len(queries), limit, replace=False)
        queries = queries.take(np.sort(drawn))

    def measure() -> float:
        return evaluate(model, queries, top=0, device=device).value(config.metric)

    return measure


def fit_baselines(data: Split | Sequences) -> dict[str, Recommender]:
    """Fit popularity, recent popularity where events have times, and first-order Markov."""
    train = data.train if isinstance(data, Split) else data
    found: dict[str, Recommender] = {}
    for name in ("popularity", "recent-popularity", "markov"):
        if name == "recent-popularity" and "time" not in train.columns:
            continue
        model = create_model(name, train.vocabulary)
        if isinstance(data, Split):
            fit(model, data, show=False)
        elif isinstance(model, Counts):
            model.fit_counts(data)
        found[name] = model
    return found
