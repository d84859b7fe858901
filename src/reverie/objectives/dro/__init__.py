"""Contrastive learning as distributionally robust optimisation: divergences, temperatures, mutual information.

Names are imported when first used.
"""

import importlib
from typing import Any

_NAMES = {
    "divergences": "ChiSquare Divergence KullbackLeibler Robust kl_dro phi_dro",
    "information": "GaussianMI gaussian_mi gaussian_rho generalised_mi mi_dv mi_info_nce mi_js mi_nwj mi_phi mi_smile sampled_mi",
    "rules": "AdapTau AnchorTau",
    "temperature": "LearnedTemperature TemperatureRule effective_inv_tau learn_temperature",
    "tilt": "entropic_mean lambert_w mean_variance radius tau_approx tau_exact",
}
_WHERE = {name: module for module, names in _NAMES.items() for name in names.split()}
__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"reverie.objectives.dro.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'reverie.objectives.dro' has no attribute '{name}'")
