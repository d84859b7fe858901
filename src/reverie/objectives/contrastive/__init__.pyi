from reverie.objectives.contrastive.bank import MemoryBank as MemoryBank, gather_rows as gather_rows
from reverie.objectives.contrastive.hard import (
    bsl as bsl,
    dcl as dcl,
    dclw as dclw,
    debiased as debiased,
    hcl as hcl,
    rince as rince,
)
from reverie.objectives.contrastive.module import Contrastive as Contrastive, ScoreLoss as ScoreLoss, create_loss as create_loss
from reverie.objectives.contrastive.vectors import contrast as contrast, info_nce as info_nce, nt_xent as nt_xent
from reverie.objectives.contrastive.weighted import (
    Adversarial as Adversarial,
    adnce as adnce,
    adv_info_nce as adv_info_nce,
    gaussian as gaussian,
    shuffled as shuffled,
)
