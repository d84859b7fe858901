"""Training objectives: softmax, pairwise, pointwise and contrastive losses. Names are imported lazily."""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "AdapTau": "dro",
    "Adversarial": "contrastive",
    "AnchorTau": "dro",
    "BCE": "config",
    "BPR": "config",
    "ChiSquare": "dro",
    "Contrastive": "contrastive",
    "Density": "pool",
    "FullSoftmax": "config",
    "GBCE": "config",
    "KullbackLeibler": "dro",
    "MemoryBank": "contrastive",
    "Negatives": "negatives",
    "NegativesConfig": "config",
    "Objective": "objective",
    "ObjectiveConfig": "config",
    "SampledSoftmax": "config",
    "ScoreLoss": "contrastive",
    "Reweighted": "config",
    "Truncated": "config",
    "adnce": "contrastive",
    "adv_info_nce": "contrastive",
    "bce": "softmax",
    "bpr": "softmax",
    "bsl": "contrastive",
    "contrast": "contrastive",
    "create_loss": "contrastive",
    "create_objective": "objective",
    "create_sampler": "negatives",
    "dcl": "contrastive",
    "dclw": "contrastive",
    "debiased": "contrastive",
    "effective_inv_tau": "dro",
    "full_softmax": "full",
    "gather_rows": "contrastive",
    "gaussian": "contrastive",
    "gaussian_mi": "dro",
    "gbce": "softmax",
    "gbce_beta": "softmax",
    "generalised_mi": "dro",
    "hcl": "contrastive",
    "info_nce": "contrastive",
    "kl_dro": "dro",
    "learn_temperature": "dro",
    "mean_variance": "dro",
    "nt_xent": "contrastive",
    "observed": "objective",
    "phi_dro": "dro",
    "radius": "dro",
    "rince": "contrastive",
    "sampled_softmax": "softmax",
    "shuffled": "contrastive",
    "tau_approx": "dro",
    "tau_exact": "dro",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"reverie.objectives.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'reverie.objectives' has no attribute '{name}'")
