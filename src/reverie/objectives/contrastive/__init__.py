"""Contrastive losses, all as one weighted log-sum-exp over negatives.

Losses of scores take ``(positive [M], negative [M, K], temperature)`` and return [M]: `sampled_softmax` (InfoNCE), `adnce`, `hcl`,
`debiased`, `dcl`, `dclw`, `adv_info_nce`, `bsl`, `rince`. `info_nce`, `contrast` and `nt_xent` take vectors; `Contrastive` is their
module.
"""

from reverie.objectives.contrastive.bank import MemoryBank, gather_rows
from reverie.objectives.contrastive.hard import bsl, dcl, dclw, debiased, hcl, rince
from reverie.objectives.contrastive.module import Contrastive, ScoreLoss, create_loss
from reverie.objectives.contrastive.vectors import contrast, info_nce, nt_xent
from reverie.objectives.contrastive.weighted import Adversarial, adnce, adv_info_nce, gaussian, shuffled

__all__ = [
    "Adversarial",
    "Contrastive",
    "MemoryBank",
    "ScoreLoss",
    "adnce",
    "adv_info_nce",
    "bsl",
    "contrast",
    "create_loss",
    "dcl",
    "dclw",
    "debiased",
    "gather_rows",
    "gaussian",
    "hcl",
    "info_nce",
    "nt_xent",
    "rince",
    "shuffled",
]
