from reverie.objectives.dro.divergences import (
    ChiSquare as ChiSquare,
    Divergence as Divergence,
    KullbackLeibler as KullbackLeibler,
    Robust as Robust,
    kl_dro as kl_dro,
    phi_dro as phi_dro,
)
from reverie.objectives.dro.information import (
    GaussianMI as GaussianMI,
    gaussian_mi as gaussian_mi,
    gaussian_rho as gaussian_rho,
    generalised_mi as generalised_mi,
    mi_dv as mi_dv,
    mi_info_nce as mi_info_nce,
    mi_js as mi_js,
    mi_nwj as mi_nwj,
    mi_phi as mi_phi,
    mi_smile as mi_smile,
    sampled_mi as sampled_mi,
)
from reverie.objectives.dro.rules import AdapTau as AdapTau, AnchorTau as AnchorTau
from reverie.objectives.dro.temperature import (
    LearnedTemperature as LearnedTemperature,
    TemperatureRule as TemperatureRule,
    effective_inv_tau as effective_inv_tau,
    learn_temperature as learn_temperature,
)
from reverie.objectives.dro.tilt import (
    entropic_mean as entropic_mean,
    lambert_w as lambert_w,
    mean_variance as mean_variance,
    radius as radius,
    tau_approx as tau_approx,
    tau_exact as tau_exact,
)
