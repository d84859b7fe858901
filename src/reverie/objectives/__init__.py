"""Training objectives: softmax, pairwise, pointwise and contrastive losses. Names are imported lazily."""

import importlib
from typing import Any

_NAMES = {
    "config": "BCE BPR FullSoftmax GBCE NegativesConfig ObjectiveConfig Reweighted SampledSoftmax Truncated",
    "contrastive": (
        "Adversarial Contrastive MemoryBank ScoreLoss adnce adv_info_nce bsl contrast create_loss dcl dclw debiased "
        "gather_rows gaussian hcl info_nce nt_xent rince shuffled"
    ),
    "dro": (
        "AdapTau AnchorTau ChiSquare KullbackLeibler effective_inv_tau gaussian_mi generalised_mi kl_dro "
        "learn_temperature mean_variance phi_dro radius tau_approx tau_exact"
    ),
    "full": "full_softmax",
    "negatives": "Negatives create_sampler",
    "objective": "Objective create_objective observed",
    "pool": "Density",
    "softmax": "bce bpr gbce gbce_beta sampled_softmax",
}
_WHERE = {name: module for module, names in _NAMES.items() for name in names.split()}
__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"reverie.objectives.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'reverie.objectives' has no attribute '{name}'")
