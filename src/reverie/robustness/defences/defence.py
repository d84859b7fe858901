"""Defences: removal of suspected users before training, robust training, and none."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from reverie.data.sequences import Sequences
from reverie.data.split import Split
from reverie.errors import ConfigError
from reverie.models.shelf import MODELS
from reverie.options import Configured, checked
from reverie.robustness.defences.config import AprConfig, NoneConfig, RemoveConfig, RobustLossConfig, TruncatedLossConfig, VatConfig
from reverie.robustness.detectors.detector import Detector, DetectorInput
from reverie.robustness.detectors.shelf import DETECTORS
from reverie.seeds import numpy_generator


@dataclass(frozen=True)
class Fitting:
    """What will be fitted, on what; removed [U], suspicion [U]."""

    model: str
    options: dict[str, Any]
    split: Split
    removed: NDArray[np.bool_] | None = None
    suspicion: NDArray[np.float64] | None = None
    notes: dict[str, float] = field(default_factory=dict)


class Defence(Protocol):
    """Changes what is fitted, or how; it sees the poisoned data and not who is fake."""

    def harden(self, fitting: Fitting, inputs: DetectorInput, seed: int) -> Fitting:
        """Return what to fit instead."""
        ...


class NoDefence(Configured[NoneConfig]):
    """Changes nothing."""

    def harden(self, fitting: Fitting, inputs: DetectorInput, seed: int) -> Fitting:
        """Return what was to be fitted anyway."""
        return fitting


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


class Remove(Configured[RemoveConfig]):
    """Take out the users that a detector suspects most."""

    def harden(self, fitting: Fitting, inputs: DetectorInput, seed: int) -> Fitting:
        """Return the fitting without the most suspicious users."""
        detector = create_detector(self.config.detector, self.config.options, inputs)
        suspicion = np.asarray(detector.suspicion(inputs, seed), dtype=np.float64)
        among = users_with_events(fitting.split.train, len(suspicion))
        n = max(1, round(self.config.share * int(among.sum())))
        return replace(remove_users(fitting, most_suspicious(suspicion, among, n)), suspicion=suspicion)


class Oracle(Configured[NoneConfig]):
    """Take out exactly the fake users. No defence, since nobody knows them: the upper bound of all that remove users."""

    def harden(self, fitting: Fitting, inputs: DetectorInput, seed: int) -> Fitting:
        """Return the fitting without the users that were appended to the split, by ``split.is_fake``."""
        fake = fitting.split.is_fake
        return replace(remove_users(fitting, fake), suspicion=fake.astype(np.float64))


class RandomRemoval(Configured[NoneConfig]):
    """Take out as many users as are fake, drawn from all: the lower bound, which is told their number and nothing else."""

    def harden(self, fitting: Fitting, inputs: DetectorInput, seed: int) -> Fitting:
        """Return the fitting without some users."""
        fake = fitting.split.is_fake
        suspicion = numpy_generator(seed, "random-removal").random(len(fake))
        among = users_with_events(fitting.split.train, len(fake))
        return replace(remove_users(fitting, most_suspicious(suspicion, among, int(fake.sum()))), suspicion=suspicion)


class TrainingDefence:
    """Set options of the victim."""

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        self.name, self.options = name, options

    def harden(self, fitting: Fitting, inputs: DetectorInput, seed: int) -> Fitting:
        """Return the fitting with other options."""
        kind = MODELS.config(fitting.model)
        for option in self.options:
            if not _takes(kind, option):
                able = sorted(n for n in MODELS if all(_takes(MODELS.config(n), one) for one in self.options))
                raise ConfigError(
                    f"defence '{self.name}' needs a victim with the option '{option}', which '{fitting.model}' lacks; "
                    f"choose {', '.join(able)}"
                )
        options = fitting.options | self.options
        objective = self.options.get("objective")
        if objective is not None and objective.get("objective", self) is None:
            own = checked(kind, fitting.options, f"model '{fitting.model}'").objective.model_dump(mode="json")
            options["objective"] = objective | {"objective": own}
        checked(kind, options, f"defence '{self.name}' of model '{fitting.model}'")
        return replace(fitting, options=options)


def _takes(kind: Any, option: str) -> bool:
    """Return whether a model's options have one that can be set; one that can only be None or False is not to be had."""
    field = kind.model_fields.get(option)
    return field is not None and field.annotation not in (None, type(None), Literal[False])


def build_adversarial(config: AprConfig | VatConfig) -> TrainingDefence:
    """Return adversarial personalised ranking (He et al., SIGIR 2018), or vulnerability-aware (Zhang et al., RecSys 2024)."""
    name = "vat" if isinstance(config, VatConfig) else "apr"
    return TrainingDefence(name, {"adversarial": {"kind": name} | config.model_dump()})


def build_truncated_loss(config: TruncatedLossConfig) -> TrainingDefence:
    """Return denoising by loss (Wang et al., WSDM 2021), around the victim's own objective."""
    read = {"drop", "steps"} if config.rule == "truncated" else {"beta"}
    objective = {"kind": config.rule, "objective": None} | config.model_dump(include=read)
    return TrainingDefence("truncated-loss", {"objective": objective})


def build_robust_loss(config: RobustLossConfig) -> TrainingDefence:
    """Return a contrastive loss that bears noise, on cosines."""
    loss: dict[str, Any] = {"kind": config.loss, "temperature": config.temperature}
    if config.loss == "adnce":
        loss |= {"variant": "image", "mu": config.mu, "sigma": config.sigma}
    else:
        loss |= {"form": "reweight", "ratio": config.ratio}
    objective = {"kind": "contrastive", "loss": loss, "negatives": {"n": config.negatives, "shared": True}}
    return TrainingDefence("robust-loss", {"cosine": True, "objective": objective})
