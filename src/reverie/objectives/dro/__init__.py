"""Contrastive learning as distributionally robust optimisation: divergences, temperatures, mutual information.

Names are imported when first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "AdapTau": "adap_tau",
    "AnchorTau": "anchor_tau",
    "ChiSquare": "divergences",
    "Divergence": "divergences",
    "GaussianMI": "gaussian",
    "KullbackLeibler": "divergences",
    "LearnedTemperature": "learned",
    "Robust": "robust",
    "TemperatureRule": "temperature",
    "effective_inv_tau": "effective",
    "entropic_mean": "tilt",
    "gaussian_mi": "gaussian",
    "gaussian_rho": "gaussian",
    "generalised_mi": "information",
    "kl_dro": "robust",
    "lambert_w": "lambert",
    "learn_temperature": "learned",
    "mean_variance": "tilt",
    "mi_dv": "mi_estimators",
    "mi_info_nce": "mi_estimators",
    "mi_js": "mi_estimators",
    "mi_nwj": "mi_estimators",
    "mi_phi": "mi_estimators",
    "mi_smile": "mi_estimators",
    "phi_dro": "robust",
    "radius": "tilt",
    "sampled_mi": "information",
    "tau_approx": "tilt",
    "tau_exact": "exact",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"reverie.objectives.dro.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'reverie.objectives.dro' has no attribute '{name}'")
