"""Detect and remove, with its upper bound (an oracle) and its lower bound (random users)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import ConfigError
from reverie.options import checked
from reverie.robustness.defences.removal import most_suspicious, remove_users, users_with_events
from reverie.robustness.detectors.shelf import DETECTORS
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from reverie.robustness.defences.config import OracleConfig, RandomRemovalConfig, RemoveConfig
    from reverie.robustness.defences.defence import Fitting
    from reverie.robustness.detectors.detector import Detector, DetectorInput


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
