"""Contrastive losses, all as one weighted log-sum-exp over negatives.

Losses of scores take ``(positive [M], negative [M, K], temperature)`` and return [M]: `sampled_softmax` (InfoNCE), `adnce`, `hcl`,
`debiased`, `dcl`, `dclw`, `adv_info_nce`, `bsl`, `rince`. `info_nce`, `contrast` and `nt_xent` take vectors; `Contrastive` is their
module. Names are imported when first used.
"""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(__name__, __file__)
