"""Fit any recommender, and the trivial baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Unpack, cast

import numpy as np
from pydantic import NonNegativeFloat, NonNegativeInt  # pydantic reads them

from reverie import processes
from reverie.calls import require_model, require_split, require_valid
from reverie.cores import Stopwatch
from reverie.data.queries import Queries
from reverie.data.read_as import LOGGER
from reverie.data.recode import recode
from reverie.data.sequences import Sequences
from reverie.data.split import Split
from reverie.errors import ConfigError
from reverie.models import MODELS, adopt, create_model, load_model
from reverie.models.content_use import content_unread
from reverie.models.fitted import mark_fitted, warn_unfitted
from reverie.models.own import count, fits
from reverie.options import checked
from reverie.protocols import Blends, Card, Counts, Recommender, Scores, Wraps
from reverie.seeds import numpy_generator
from reverie.shown import Shown, listed
from reverie.study.environment import peak_mb, reset_peak
from reverie.study.progress import Progress, progress
from reverie.training.config import COUNTING_QUERIES, TrainingConfig, TrainingOptions, settings_tried_by

if TYPE_CHECKING:
    from reverie.models.blend.model import Blend


ALL = "rv.fit(model, split, on='train+valid', epochs=20)"
"""A fit that chooses nothing."""


@dataclass(frozen=True, repr=False)
class Fitted(Shown):
    """What a fit did."""

    no_model: ClassVar[str] = "rv.fit changes the model that it is given and returns what it did; give that model, not a Fitted"
    """Told where one is taken for the model."""

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

    def _facts(self) -> dict[str, str]:
        """Return time, memory, the best epoch and what was chosen."""
        known = {"seconds": f"{self.seconds:.1f}", "peak_mb": f"{self.peak_mb:,.0f}"}
        known |= {} if self.best_epoch is None else {"best_epoch": f"{self.best_epoch} of {len(self.history)}"}
        known |= {} if self.best_value is None else {"best_value": f"{self.best_value:.4f}"}
        return known | {"chosen": listed(self.chosen)}


def fit(
    model: Scores,
    split: Split,
    config: TrainingConfig | None = None,
    *,
    folder: str | Path | None = None,
    device: str | None = None,
    show: bool = True,
    on_validation: Callable[[int, float], None] | None = None,
    **options: Unpack[TrainingOptions],
) -> Fitted:
    """Fit a model to the training events of a split; choose on its validation queries; never look at the test.

    Parameters
    ----------
    model : Recommender or Scores
        Created by `reverie.create_model`, or of your own.
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
        If an option is unknown or not valid, or the model or the split is something else.
    DataError
        If the split has items or users that the model does not know; codes of others are matched by their ids.
    RunError
        If the loss is no longer finite, or a checkpoint belongs to another model.
    """
    require_model(model, "rv.fit(model, split)")
    require_split(split, "rv.fit(model, split)")
    chosen = checked(TrainingConfig, {**(config or TrainingConfig()).model_dump(), **options}, "training")
    model = adopt(model, split.vocabulary)
    if not split.vocabulary.holds_in(model.card.vocabulary):  # a model that was made from other events, perhaps long ago
        split = recode(split, model.card.vocabulary)
    before = model.card.fitted
    mark_fitted(model)  # it is measured while it is fitted
    if unread := sorted(set(options) - _COUNTED) if fits(model) else []:
        said = "%s counts and is not trained in steps, so %s changes nothing; its own options are given to create_model"
        LOGGER.warning(said, model.card.name, ", ".join(unread))
    try:
        fitted = _fit(model, split, chosen, None if folder is None else Path(folder), device, show, on_validation)
    except BaseException:
        mark_fitted(model, before)
        raise
    if fitted.chosen:
        model.card = replace(model.card, config=model.card.config.model_copy(update=fitted.chosen))
    return fitted


_COUNTED = {"seed", "metric", "on", "validation_queries"}
"""Training options that a model reads which counts."""


def _fit(
    model: Recommender, split: Split, chosen: TrainingConfig, folder: Path | None, device: str | None, show: bool,
    on_validation: Callable[[int, float], None] | None,
) -> Fitted:  # fmt: skip
    """Fit by counting, by steps, or part by part."""
    if isinstance(model, Blends):
        return _fit_blend(cast("Blend", model), split, chosen, folder, device, show)
    if isinstance(model, Wraps):
        fitted = _fit(model.base, split, chosen, folder, device, show, on_validation)
        model.observe(split.learn_from(chosen.on))
        return replace(fitted, chosen={"model": {**model.card.config.model, **fitted.chosen}} if fitted.chosen else {})
    measure = None if chosen.on == "train+valid" else validation_measure(model, split, chosen, device)
    sequences = split.learn_from(chosen.on)
    if "weight" in sequences.columns and model.card.name in MODELS and "weights" not in MODELS[model.card.name].tags:
        able = ", ".join(sorted(name for name in MODELS if "weights" in MODELS[name].tags))
        LOGGER.warning("%s counts every event once, and not by its weight; models that weigh events are %s", model.card.name, able)
    if unread := content_unread(model.card.config, split.vocabulary.content):
        said = "%s learns items by their ids and reads nothing of their content (%s); item_encoder={kind: features, modality: %s} "
        said += "reads it"
        LOGGER.warning(said, model.card.name, ", ".join(unread), unread[0])
    reset_peak()
    if fits(model):
        watch = Stopwatch()
        with progress(settings_tried_by(model.card.config), f"fitting {model.card.name}", show) as shown:
            overrides = dict(count(model, sequences, measure and _counted(measure, chosen.metric, shown), chosen.seed))
        return Fitted(watch.seconds, peak_mb(), chosen=overrides, processor_seconds=watch.processor, load=watch.load)
    if not hasattr(model, "loss"):
        return _nothing_to_fit(model)

    import torch

    from reverie.training.loop import Trainer, training_source
    from reverie.training.optimiser import choose_device

    kind = type(model).__name__
    if not isinstance(model, torch.nn.Module):
        raise ConfigError(f"{kind} has loss but is no torch.nn.Module, which fit trains; make it one, or give it fit_counts(train)")
    if not hasattr(model, "plan"):
        raise ConfigError(f"{kind} has no plan, which fit needs: the name of its batches, e.g. plan = 'prefixes'")
    if measure:
        require_valid(split, ALL)  # before the first epoch, not behind it
    place = choose_device(device)
    processes.start(place)
    model = model.to(place)
    trainer = Trainer(model, training_source(model, sequences), chosen, measure, folder, place, on_validation)
    with progress(chosen.epochs, f"training {model.card.name}", show) as shown:
        log = trainer.run(shown)
    value = trainer.best.value if trainer.best.weights else None
    last: dict[str, Any] = getattr(model, "choose", lambda _: {})(measure) if measure else {}
    spent = (trainer.watch.processor, trainer.watch.load)
    return Fitted(trainer.seconds, peak_mb(), trainer.best.epoch or None, value, last, log.rows, *spent)


def _nothing_to_fit(model: Recommender) -> Fitted:
    """Return what a fit of a model did that has nothing but scores; one that is to be fitted by another name is refused."""
    kind = type(model).__name__
    if near := get_close_matches("fit_counts", [one for one in dir(model) if not one.startswith("_")], 1, 0.85):
        raise ConfigError(f"{kind} has {near[0]}, which rv.fit does not call; name it fit_counts(train)")
    if any(one.requires_grad for one in getattr(model, "parameters", tuple)()):
        raise ConfigError(
            f"{kind} has parameters and no loss, which rv.fit trains by; give it loss(batch) and plan, or leave out rv.fit"
        )
    if callable(getattr(model, "fit", None)):
        raise ConfigError(f"{kind} has fit, which rv.fit does not call; name it fit_counts(train), or call it and leave out rv.fit")
    return Fitted(0.0, peak_mb())


def _counted(measure: Callable[[], float], metric: str, shown: Progress) -> Callable[[], float]:
    """Return a measure that also tells how far a search is."""

    def measured() -> float:
        value = measure()
        shown.advance(f"{metric} {value:.4g}")
        return value

    return measured


def _fit_blend(model: Blend, split: Split, config: TrainingConfig, folder: Path | None, device: str | None, show: bool) -> Fitted:
    """Fit each part that is not ready as if it stood alone, then choose the weights on validation."""
    from reverie.training.blending import choose_weights, require_ranked

    searching = config.on == "train" and not model.config.weights
    if searching:
        require_ranked(config.metric)
    watch, fits, told = Stopwatch(), [], []
    own = [
        {**getattr(part.card.config, "training_defaults", {}), **given.get("training", {})}
        for part, given in zip(model.parts, model.config.parts, strict=True)
    ]
    each = [
        checked(TrainingConfig, {**config.model_dump(), **one, "on": config.on, "seed": config.seed}, "training") for one in own
    ]
    for number, (part, training) in enumerate(zip(model.parts, each, strict=True)):
        name, fitted = part.card.name, Fitted(0.0, 0.0)
        if not model.ready[number]:
            place = None if folder is None else folder / "parts" / f"{number}-{name}"
            fitted = fit(part, split, training, folder=place, device=device, show=show)
        elif config.on != "train":
            raise ConfigError(f"the fitted part {number + 1} of the blend has not seen the validation events; name its model")
        trained = own[number] | ({} if fitted.best_epoch is None else {"epochs": fitted.best_epoch})
        options = part.card.config.model_dump(mode="json", exclude_unset=True) | fitted.chosen
        told.append({"name": name, **options, **({"training": trained} if trained else {})})
        fits.append(fitted)
    weights = list(model.weights)
    if searching:
        weights = choose_weights(model, validation_queries(split, config, COUNTING_QUERIES), config.metric, device, config.seed)
    main = max(zip(weights, fits, strict=True), key=lambda one: (one[0] > 0 and bool(one[1].history), one[0]))[1]
    model.settle(told, weights)
    value = validation_measure(model, split, config, device)() if config.on == "train" else None
    chosen = {"parts": model.config.parts, "weights": model.config.weights}
    peak = max(peak_mb(), *(one.peak_mb for one in fits))
    return Fitted(watch.seconds, peak, main.best_epoch, value, chosen, main.history, watch.processor, watch.load)


def validation_queries(split: Split, config: TrainingConfig, most: int | None) -> Queries:
    """Return the validation queries to choose by: all, or as many as the options say, or at most so many, drawn by the seed."""
    limit = config.validation_queries or most
    if limit is None or limit >= len(split.valid):
        return split.valid
    drawn = numpy_generator(config.seed, "validation").choice(len(split.valid), limit, replace=False)
    return split.valid.take(np.sort(drawn))


def validation_measure(model: Recommender, split: Split, config: TrainingConfig, device: str | None = None) -> Callable[[], float]:
    """Return a function that measures a model on validation, on the same queries each time."""
    from reverie.evaluation import evaluate, parse
    from reverie.evaluation.metrics import LABELLED, RANKED

    name = parse(config.metric).name
    if name == "miscalibration":
        raise ConfigError(f"'{config.metric}' is better where it is lower, and training keeps the highest; name another metric")
    listed: dict[str, Any] = {} if name in (*RANKED, *LABELLED) else {"train": split.train, "metrics": config.metric}
    queries = validation_queries(split, config, COUNTING_QUERIES if fits(model) else None)

    def measure() -> float:
        require_valid(split, ALL)
        return evaluate(model, queries, top=0, device=device, **listed).value(config.metric)

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


def blend(parts: Sequence[Scores | str | Path], split: Split, **options: Unpack[TrainingOptions]) -> Recommender:
    """Blend fitted models: a weighted sum of their standardised scores, the weights chosen on the validation queries of a split.

    Parameters
    ----------
    parts : sequence
        Fitted models, or folders of runs or stored models; of the split's training events, and of nothing else.
    split : Split
        Where they were fitted.
    **options
        Fields of `TrainingConfig`, such as ``metric``.

    Returns
    -------
    Recommender
        A model of its own, without the parts that do not help.

    Raises
    ------
    DataError
        If a part knows other items or users than the split.

    Examples
    --------
    ``rv.blend([co_occurrence, sasrec], split)``
    """
    from reverie.models.blend.model import Blend

    require_model(parts, "rv.blend([first, second], split)")
    require_split(split, "rv.blend([first, second], split)")
    models = [load_model(one) if isinstance(one, str | Path) else adopt(one, split.vocabulary) for one in parts]
    for one in models:
        warn_unfitted(one, stacklevel=2)
    named = [{"name": one.card.name, **one.card.config.model_dump(mode="json", exclude_unset=True)} for one in models]
    config = checked(MODELS.config("blend"), {"parts": named}, "blend")
    model = Blend(config, split.vocabulary, models)
    model.card = Card("blend", config, split.vocabulary)
    fit(model, split, show=False, **options)
    return model
