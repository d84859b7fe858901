from reverie.objectives.config import (
    BCE as BCE,
    BPR as BPR,
    GBCE as GBCE,
    FullSoftmax as FullSoftmax,
    InBatchDebiased as InBatchDebiased,
    NegativesConfig as NegativesConfig,
    ObjectiveConfig as ObjectiveConfig,
    Reweighted as Reweighted,
    SampledSoftmax as SampledSoftmax,
    Truncated as Truncated,
)
from reverie.objectives.contrastive import (
    Adversarial as Adversarial,
    Contrastive as Contrastive,
    MemoryBank as MemoryBank,
    ScoreLoss as ScoreLoss,
    adnce as adnce,
    adv_info_nce as adv_info_nce,
    bsl as bsl,
    contrast as contrast,
    create_loss as create_loss,
    dcl as dcl,
    dclw as dclw,
    debiased as debiased,
    gather_rows as gather_rows,
    gaussian as gaussian,
    hcl as hcl,
    info_nce as info_nce,
    nt_xent as nt_xent,
    rince as rince,
    shuffled as shuffled,
)
from reverie.objectives.in_batch import in_batch_debiased as in_batch_debiased
from reverie.objectives.dro import (
    AdapTau as AdapTau,
    AnchorTau as AnchorTau,
    ChiSquare as ChiSquare,
    KullbackLeibler as KullbackLeibler,
    effective_inv_tau as effective_inv_tau,
    gaussian_mi as gaussian_mi,
    generalised_mi as generalised_mi,
    kl_dro as kl_dro,
    learn_temperature as learn_temperature,
    mean_variance as mean_variance,
    phi_dro as phi_dro,
    radius as radius,
    tau_approx as tau_approx,
    tau_exact as tau_exact,
)
from reverie.objectives.full import full_softmax as full_softmax
from reverie.objectives.negatives import Negatives as Negatives, create_sampler as create_sampler
from reverie.objectives.objective import Objective as Objective, create_objective as create_objective, observed as observed
from reverie.objectives.pool import Density as Density
from reverie.objectives.softmax import (
    bce as bce,
    bpr as bpr,
    gbce as gbce,
    gbce_beta as gbce_beta,
    sampled_softmax as sampled_softmax,
)
