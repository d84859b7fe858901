"""The sound of mixed clips: log-mel spectrograms mixed like the pictures."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import DataError
from reverie.video.roles import Mixed


def mix_log_mel(log_mel: Tensor, mixed: Mixed) -> Tensor:
    """Mix sound as two sources that are heard at once, each as loud as its clip is seen.

    Powers are added, ``log(a exp(s_i) + (1 - a) exp(s_j))``. Here a is the mean of the own mask over space at each time, so a mask
    over frames cuts the sound as it cuts the picture; without a mask it is the share of the own label.

    Parameters
    ----------
    log_mel : Tensor [B, F, M]
        Natural logarithm of power, F times and M bands; it lasts as long as the clip.
    mixed : Mixed
        The same clips.

    Returns
    -------
    Tensor [B, F, M]
    """
    if log_mel.ndim != 3 or len(log_mel) != len(mixed.partners):
        count = len(mixed.partners)
        raise DataError(
            f"the sound of {count} mixed clips is log-mel [{count}, F, M], not {list(log_mel.shape)}; give that of each clip"
        )
    if mixed.own is None:
        share = mixed.shares[:, None].expand(-1, log_mel.shape[1])
    else:
        share = F.interpolate(mixed.own.detach().mean((2, 3))[:, None], size=log_mel.shape[1], mode="nearest")[:, 0]
    share = share.float()[..., None].to(log_mel.device)
    own, other = log_mel.float(), log_mel[mixed.partners.to(log_mel.device)].float()
    return torch.logaddexp(own + share.log(), other + (1 - share).log()).to(log_mel.dtype)
