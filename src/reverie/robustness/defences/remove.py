"""Removal of suspected users before training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import ConfigError
from reverie.options import checked
from reverie.robustness.detectors.shelf import DETECTORS
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.sequences import Sequences
    from reverie.robustness.defences.config import OracleConfig, RandomRemovalConfig, RemoveConfig
    from reverie.robustness.defences.defence import Fitting
    from reverie.robustness.detectors.detector import Detector, DetectorInput


def users_with_events(sequences: Sequences, n_users: int) -> NDArray[np.bool_]:
    """Return who has something to learn from → [U]."""
    present = np.zeros(n_users, dtype=bool)
    present[sequences.users[sequences.lengths > 0]] = True
    return present


def most_suspicious(suspicion: NDArray[np.float64], among: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    """Return the most suspicious users; of equally suspicious ones those with the higher code; suspicion [U], among [U] → [U]."""
    codes = np.flatnonzero(among)[::-1]
    chosen = np.zeros(len(suspicion), dtype=bool)
    chosen[codes[np.argsort(-suspicion[codes], kind="stable")[:n]]] = True
    return chosen


def remove_users(fitting: Fitting, removed: NDArray[np.bool_]) -> Fitting:
    """Return the same fitting without the training events of some users; removed [U]."""
    split = fitting.split
    train, refit = (rows.take(np.flatnonzero(~removed[rows.users])) for rows in (split.train, split.refit))
    notes = fitting.notes | {"removed": float(removed.sum())}
    return replace(fitting, split=replace(split, train=train, refit=refit), removed=removed, notes=notes)


def create_detector(name: str, options: dict[str, object], inputs: DetectorInput) -> Detector:
    """Return a detector that can work with the inputs."""
    config = checked(DETECTORS.config(name), options, f"detector '{name}'")
    detector: Detector = DETECTORS.build(name)(config)
    if detector.supervised and inputs.labels is None:
        raise ConfigError(f"detector '{name}' learns from labels and none are known; choose an unsupervised detector")
    return detector


class Remove:
    """Take out the users that a detector suspects most."""

    def __init__(self, config: RemoveConfig) -> None:
        self.config = config

    def harden(self, fitting: Fitting, inputs: DetectorInput, seed: int) -> Fitting:
        """Return the fitting without the most suspicious users."""
        detector = create_detector(self.config.detector, self.config.options, inputs)
        suspicion = np.asarray(detector.suspicion(inputs, seed), dtype=np.float64)
        among = users_with_events(fitting.split.train, len(suspicion))
        n = max(1, round(self.config.share * int(among.sum())))
        return replace(remove_users(fitting, most_suspicious(suspicion, among, n)), suspicion=suspicion)


class Oracle:
    """Take out exactly the fake users. No defence, since nobody knows them: the upper bound of all that remove users."""

    def harden(self, fitting: Fitting, inputs: DetectorInput, seed: int) -> Fitting:
        """Return the fitting without the users that were appended to the split, by ``split.is_fake``."""
        fake = fitting.split.is_fake
        return replace(remove_users(fitting, fake), suspicion=fake.astype(np.float64))


class RandomRemoval:
    """Take out as many users as are fake, drawn from all: the lower bound, which is told their number and nothing else."""

    def harden(self, fitting: Fitting, inputs: DetectorInput, seed: int) -> Fitting:
        """Return the fitting without some users."""
        fake = fitting.split.is_fake
        suspicion = numpy_generator(seed, "random-removal").random(len(fake))
        among = users_with_events(fitting.split.train, len(fake))
        return replace(remove_users(fitting, most_suspicious(suspicion, among, int(fake.sum()))), suspicion=suspicion)


def build_oracle(config: OracleConfig) -> Oracle:
    """Return the upper bound."""
    return Oracle()


def build_random_removal(config: RandomRemovalConfig) -> RandomRemoval:
    """Return the lower bound."""
    return RandomRemoval()
