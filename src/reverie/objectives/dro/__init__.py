"""Contrastive learning as distributionally robust optimisation: divergences, temperatures, mutual information.

Names are imported when first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "AdapTau": "rules",
    "AnchorTau": "rules",
    "ChiSquare": "divergences",
    "Divergence": "divergences",
    "GaussianMI": "information",
    "KullbackLeibler": "divergences",
    "LearnedTemperature": "temperature",
    "Robust": "divergences",
    "TemperatureRule": "temperature",
    "effective_inv_tau": "temperature",
    "entropic_mean": "tilt",
    "gaussian_mi": "information",
    "gaussian_rho": "information",
    "generalised_mi": "information",
    "kl_dro": "divergences",
    "lambert_w": "tilt",
    "learn_temperature": "temperature",
    "mean_variance": "tilt",
    "mi_dv": "information",
    "mi_info_nce": "information",
    "mi_js": "information",
    "mi_nwj": "information",
    "mi_phi": "information",
    "mi_smile": "information",
    "phi_dro": "divergences",
    "radius": "tilt",
    "sampled_mi": "information",
    "tau_approx": "tilt",
    "tau_exact": "tilt",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"reverie.objectives.dro.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'reverie.objectives.dro' has no attribute '{name}'")
