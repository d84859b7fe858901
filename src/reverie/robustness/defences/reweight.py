"""Joint detection and re-weighting of users by the error of a model of the others, after GraphRfi (Zhang et al. 2020)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reverie.data.queries import Queries
from reverie.data.sequences import Sequences
from reverie.data.split import Split
from reverie.errors import ConfigError
from reverie.models.shelf import MODELS
from reverie.options import Configured
from reverie.protocols import Recommender
from reverie.robustness.defences.config import ReweightConfig
from reverie.robustness.defences.defence import Fitting, create_detector, users_with_events
from reverie.robustness.detectors.detector import DetectorInput
from reverie.seeds import numpy_generator


class Reweight(Configured[ReweightConfig]):
    """Weigh the training events of each user by the probability that the user is real.

    In each round each user's events are divided at random in two halves, and the victim is fitted for a few epochs on either half
    of all weighted events; a user's error is the mean share of the catalogue that is scored above an item of the user's other
    half. Error and the detector's suspicion, each standardised over users
    by median and median deviation, are added; and the sum s becomes ``P(fake) = σ((s - b) / temperature)`` with b such that the
    mean of P is the assumed share. The weight is 1 - P. Fakes that weigh less are fitted less, so their error grows.

    .. [1] Zhang, Yin, Chen, Nguyen, Huang and Cui, GCN-based user representation learning for unifying robust recommendation and
       fraudster detection, SIGIR 2020, arXiv:2005.10150 (GraphRfi): the rating loss of a user is weighted by the probability of
       being genuine, and the prediction error is a feature of the detector. Deviations, so it does not carry that name: no
       labels of fraudsters, hence no neural random forest but a sum of two standardised suspicions; rounds of fit and detection
       in turn instead of one joint gradient; the victim itself instead of a graph network; the error of a ranking of likes
       instead of that of ratings.
    """

    def harden(self, fitting: Fitting, inputs: DetectorInput, seed: int) -> Fitting:
        """Return the fitting with a column ``weight`` beside its training events."""
        if "weights" not in MODELS[fitting.model].tags:
            able = sorted(name for name in MODELS if "weights" in MODELS[name].tags)
            raise ConfigError(
                f"defence 'reweight' needs a victim that weighs its training events, which '{fitting.model}' does not; "
                f"choose {', '.join(able)}"
            )
        train = fitting.split.train
        n_users = train.vocabulary.n_users
        among = users_with_events(train, n_users)
        profile = np.zeros(n_users)
        if self.config.detector is not None:
            detector = create_detector(self.config.detector, self.config.options, inputs)
            profile[among] = standardise(np.asarray(detector.suspicion(inputs, seed))[among])
        fake = np.zeros(n_users)
        for number in range(self.config.rounds):
            error = self._errors(fitting, weight_events(fitting.split, 1 - fake), seed + number)
            fake[among] = fake_probabilities(standardise(error[among]) + profile[among], self.config.share, self.config.temperature)
        notes = fitting.notes | {"mean_weight": float((1 - fake[among]).mean()), "least_weight": float((1 - fake[among]).min())}
        return replace(fitting, split=weight_events(fitting.split, 1 - fake), suspicion=fake, notes=notes)

    def _errors(self, fitting: Fitting, split: Split, seed: int) -> NDArray[np.float64]:
        """Return the error of each user, shape [U], on events that the model which is asked has not seen."""
        from reverie.models.create import create_model
        from reverie.training import fit

        defaults = dict(getattr(MODELS.config(fitting.model), "training_defaults", {}))
        once = {"epochs": self.config.epochs, "validate_every": self.config.epochs, "seed": seed}
        total, count = np.zeros((2, split.vocabulary.n_users))
        halves = split_in_halves(split.train, seed)
        for seen, hidden in (halves, halves[::-1]):
            model = create_model(fitting.model, split, seed=seed, **fitting.options)
            fit(model, replace(split, train=seen), show=False, **(defaults | once | self.config.training))
            above, asked = ranking_errors(model, seen, hidden)
            total += above
            count += asked
        return np.asarray(total / np.maximum(count, 1))


def split_in_halves(train: Sequences, seed: int) -> tuple[Sequences, Sequences]:
    """Divide the events of each row at random in two halves; of an odd number the first half gets one more."""
    positions, rows = train.positions(), train.event_rows()
    order = np.lexsort((numpy_generator(seed, "halves").random(len(rows)), rows))
    place = np.empty(len(rows), dtype=np.int64)
    place[order] = np.arange(len(rows)) - np.repeat(np.cumsum(train.lengths) - train.lengths, train.lengths)

    def half(number: int) -> Sequences:
        kept = place % 2 == number
        stops = np.cumsum(np.bincount(rows[kept], minlength=len(train)))
        starts = np.concatenate([np.zeros(1, dtype=np.int64), stops[:-1]])
        at = positions[kept]
        columns = {name: values[at] for name, values in train.columns.items()}
        return replace(train, items=train.items[at], starts=starts, stops=stops, columns=columns)

    return half(0), half(1)


def ranking_errors(model: Recommender, seen: Sequences, hidden: Sequences) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how badly a model ranks what users did and it has not seen → [U], [U]."""
    from reverie.evaluation import evaluate

    some = np.flatnonzero(hidden.lengths > 0)
    rows = hidden.take(some)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(rows.lengths)])
    items = rows.items[rows.positions()]
    asked = Queries(seen, seen.starts[some], seen.stops[some], rows.users, rows.users, items, offsets)
    ranks = evaluate(model, asked, top=0).ranks
    others = ranks["n_candidates"].to_numpy()
    share = (np.minimum(ranks["greater"].to_numpy(), others) + ranks["equal"].to_numpy() / 2) / others
    users, n = rows.users[ranks["query"].to_numpy()], hidden.vocabulary.n_users
    above: NDArray[np.float64] = np.bincount(users, weights=share, minlength=n).astype(np.float64)
    return above, np.bincount(users, minlength=n).astype(np.float64)


def standardise(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values less their median, in units of 1.4826 times the median deviation from it, cut off at 10; values [U] → [U]."""
    middle = np.median(values)
    spread = 1.4826 * np.median(np.abs(values - middle))
    if spread <= 0:
        spread = float(values.std())
    return np.asarray(np.clip((values - middle) / spread, -10, 10)) if spread > 0 else np.zeros(len(values))


def fake_probabilities(suspicion: NDArray[np.float64], share: float, temperature: float) -> NDArray[np.float64]:
    """Return ``σ((suspicion - b) / temperature)`` with b such that the mean is `share`; suspicion [U] → [U]."""
    margin = temperature * 50
    low, high = float(suspicion.min()) - margin, float(suspicion.max()) + margin
    for _ in range(100):
        middle = (low + high) / 2
        mean = float((0.5 * (1 + np.tanh((suspicion - middle) / (2 * temperature)))).mean())
        low, high = (middle, high) if mean > share else (low, middle)
    return np.asarray(0.5 * (1 + np.tanh((suspicion - (low + high) / 2) / (2 * temperature))))


def weight_events(split: Split, weights: NDArray[np.float64]) -> Split:
    """Return a split whose training events have a weight; weights [U]."""

    def of(rows: Sequences) -> Sequences:
        values = np.ones(len(rows.items), dtype=np.float32)
        values[rows.positions()] = weights[rows.users[rows.event_rows()]]
        return replace(rows, columns={**rows.columns, "weight": values})

    return replace(split, train=of(split.train), refit=of(split.refit))
