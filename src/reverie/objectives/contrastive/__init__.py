"""Contrastive losses, all as one weighted log-sum-exp over negatives.

Losses of scores take ``(positive [M], negative [M, K], temperature)`` and return [M]: `sampled_softmax` (InfoNCE), `adnce`, `hcl`,
`debiased`, `dcl`, `dclw`, `adv_info_nce`, `bsl`, `rince`. `info_nce`, `contrast` and `nt_xent` take vectors; `Contrastive` is their
module.
"""

from reverie.objectives.contrastive.adjusted import adnce, gaussian, shuffled
from reverie.objectives.contrastive.adversarial import Adversarial, adv_info_nce
from reverie.objectives.contrastive.bank import MemoryBank
from reverie.objectives.contrastive.gather import gather_rows
from reverie.objectives.contrastive.hard import dcl, dclw, debiased, hcl
from reverie.objectives.contrastive.module import Contrastive
from reverie.objectives.contrastive.robust import bsl, rince
from reverie.objectives.contrastive.score_loss import ScoreLoss, create_loss
from reverie.objectives.contrastive.vectors import contrast, info_nce
from reverie.objectives.contrastive.views import nt_xent

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
