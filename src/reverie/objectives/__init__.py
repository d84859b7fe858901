"""Training objectives: softmax, pairwise, pointwise and contrastive losses. Names are imported lazily."""

from reverie.lazy import lazy

_NAMES = {
    "config": "BCE BPR FullSoftmax GBCE InBatchDebiased NegativesConfig ObjectiveConfig Reweighted SampledSoftmax Truncated",
    "contrastive": (
        "Adversarial Contrastive MemoryBank ScoreLoss adnce adv_info_nce bsl contrast create_loss dcl dclw debiased "
        "gather_rows gaussian hcl info_nce nt_xent rince shuffled"
    ),
    "in_batch": "in_batch_debiased",
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
_WHERE, __all__, __getattr__ = lazy(__name__, _NAMES)
