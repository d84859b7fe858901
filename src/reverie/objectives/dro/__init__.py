"""Contrastive learning as distributionally robust optimisation: divergences, temperatures, mutual information.

Names are imported when first used.
"""

from reverie.lazy import lazy

_NAMES = {
    "divergences": "ChiSquare Divergence KullbackLeibler Robust kl_dro phi_dro",
    "information": "GaussianMI gaussian_mi gaussian_rho generalised_mi mi_dv mi_info_nce mi_js mi_nwj mi_phi mi_smile sampled_mi",
    "rules": "AdapTau AnchorTau",
    "temperature": "LearnedTemperature TemperatureRule effective_inv_tau learn_temperature",
    "tilt": "entropic_mean lambert_w mean_variance radius tau_approx tau_exact",
}
_WHERE, __all__, __getattr__ = lazy(__name__, _NAMES)
