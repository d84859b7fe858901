"""Robust training of the victim: adversarial training, denoising by loss, and robust contrastive losses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reverie.errors import ConfigError
from reverie.models.shelf import MODELS
from reverie.options import checked

if TYPE_CHECKING:
    from reverie.robustness.defences.config import AprConfig, RobustLossConfig, TruncatedLossConfig, VatConfig
    from reverie.robustness.defences.defence import Fitting
    from reverie.robustness.detectors.detector import DetectorInput


class TrainingDefence:
    """Set options of the victim."""

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        self.name, self.options = name, options

    def harden(self, fitting: Fitting, inputs: DetectorInput, seed: int) -> Fitting:
        """Return the fitting with other options."""
        kind = MODELS.config(fitting.model)
        for option in self.options:
            if option not in kind.model_fields:
                able = sorted(n for n in MODELS if self.options.keys() <= MODELS.config(n).model_fields.keys())
                raise ConfigError(
                    f"defence '{self.name}' needs a victim with the option '{option}', which '{fitting.model}' lacks; "
                    f"choose {', '.join(able)}"
                )
        where = f"defence '{self.name}' of model '{fitting.model}'"
        options = dict(self.options)
        objective = options.get("objective")
        if objective is not None and objective.get("objective", self) is None:
            own = checked(kind, fitting.options, f"model '{fitting.model}'").objective.model_dump(mode="json")
            options["objective"] = objective | {"objective": own}
        options = fitting.options | options
        checked(kind, options, where)
        return replace(fitting, options=options)


def build_apr(config: AprConfig) -> TrainingDefence:
    """Return adversarial personalised ranking (He et al., SIGIR 2018)."""
    return TrainingDefence("apr", {"adversarial": {"kind": "apr"} | config.model_dump()})


def build_vat(config: VatConfig) -> TrainingDefence:
    """Return vulnerability-aware adversarial training (Zhang et al., RecSys 2024)."""
    return TrainingDefence("vat", {"adversarial": {"kind": "vat"} | config.model_dump()})


def build_truncated_loss(config: TruncatedLossConfig) -> TrainingDefence:
    """Return denoising by loss (Wang et al., WSDM 2021), around the victim's own objective."""
    read = {"drop", "steps"} if config.rule == "truncated" else {"beta"}
    return TrainingDefence(
        "truncated-loss", {"objective": {"kind": config.rule, "objective": None} | config.model_dump(include=read)}
    )


def build_robust_loss(config: RobustLossConfig) -> TrainingDefence:
    """Return a contrastive loss that bears noise, on cosines."""
    loss: dict[str, Any] = {"kind": config.loss, "temperature": config.temperature}
    if config.loss == "adnce":
        loss |= {"variant": "image", "mu": config.mu, "sigma": config.sigma}
    else:
        loss |= {"form": "reweight", "ratio": config.ratio}
    negatives = {"n": config.negatives, "shared": True}
    return TrainingDefence(
        "robust-loss", {"cosine": True, "objective": {"kind": "contrastive", "loss": loss, "negatives": negatives}}
    )
