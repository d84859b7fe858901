"""The selector: cross-attention from a clip to its partner that says where the partner is to be seen."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.nn.utils import skip_init

from reverie.video.mixing.svmix.draws import Module


class Selector(nn.Module):
    """Predict, at each cell of a feature map, the logit of the partner's weight; one set of weights serves all modules.

    With ``[F]`` the features and one constant channel, λ - 0.5 for the clip itself and 0.5 - λ for its partner::

        q = W_q [F_i]      k = W_q [F_j]      v = W_v [F_j]      A = softmax(q kᵀ / √d)      logits = A v

    Parameters
    ----------
    channels : int
        C of the feature map.
    width : int, optional
        d; C by default.
    initial : float
        First weight of the constant channel in v, so that the first logit is about ``initial * (0.5 - λ)``.
    generator : torch.Generator, optional
        Of the first weights, on the CPU.

    References
    ----------
    .. [1] Tan et al., Selective volume mixup for video action recognition, arXiv 2309.09534.
    """

    def __init__(self, channels: int, width: int | None = None, initial: float = 4.0, generator: Generator | None = None) -> None:
        super().__init__()
        self.channels, self.width = channels, width or channels
        self.shared: nn.Linear = skip_init(nn.Linear, channels + 1, self.width)  # type: ignore[no-untyped-call]  # draws nothing
        self.value: nn.Linear = skip_init(nn.Linear, channels + 1, 1)  # type: ignore[no-untyped-call]
        bound = (channels + 1) ** -0.5
        with torch.no_grad():
            for parameter in self.parameters():  # torch's own first weights of a linear layer, from our generator
                parameter.copy_(torch.empty(parameter.shape).uniform_(-bound, bound, generator=generator))
            self.value.weight[0, -1] = initial
            self.value.bias.zero_()

    def forward(self, own: Tensor, partner: Tensor, shares: Tensor, module: Module) -> Tensor:
        """Return logits of the partner.

        Parameters
        ----------
        own, partner : Tensor [B, T', C, H', W']
        shares : Tensor [B]
            λ, the share of the clip itself.
        module : str
            ``spatial`` attends within each frame, ``temporal`` over frames averaged over space, ``volume`` over all cells.

        Returns
        -------
        Tensor, float32
            [B, T', H', W'], or [B, T', 1, 1] for ``temporal``.
        """
        level, own, partner = shares - 0.5, own.to(self.shared.weight.dtype), partner.to(self.shared.weight.dtype)
        queries = self.shared(_with_level(_rows(own, module), level))
        there = _with_level(_rows(partner, module), -level)
        attention = (queries @ self.shared(there).transpose(1, 2) * self.width**-0.5).softmax(-1)
        values = self.value(there)
        with torch.autocast(own.device.type, enabled=False):
            logits: Tensor = attention.float() @ values.float()
        if module == "temporal":
            return logits[..., None]
        return logits.reshape(own.shape[0], own.shape[1], *own.shape[3:])


def _rows(features: Tensor, module: Module) -> Tensor:
    """Return what attends to each other: [B T', H' W', C] in frames, [B, T', C] over frames, [B, T' H' W', C] over all."""
    batch, frames, channels, height, width = features.shape
    if module == "temporal":
        return features.mean((3, 4))
    cells = features.permute(0, 1, 3, 4, 2)
    if module == "spatial":
        return cells.reshape(batch * frames, height * width, channels)
    return cells.reshape(batch, frames * height * width, channels)


def _with_level(rows: Tensor, level: Tensor) -> Tensor:
    """Append one constant channel; rows [B g, P, C], level [B] → [B g, P, C + 1]."""
    levels = level.to(rows.dtype).repeat_interleave(len(rows) // len(level), output_size=len(rows))
    return torch.cat([rows, levels[:, None, None].expand(-1, rows.shape[1], 1)], -1)
