"""DreamRec's guidance encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class GuidanceEncoder(nn.Module):
    """One attention block as DreamRec has it, which is not the usual one.

    Queries come from the normalised input, keys and values from the un-normalised one; there is no output projection; the
    residual is added to the normalised input; the feed-forward part (two layers of width D, ReLU) has a LayerNorm of its own
    behind its residual; a last LayerNorm follows. Positions count from the oldest event of the window. Padding is set to zero
    before and after the block.

    An empty history is, as published, one event of padding: the two zeros make its guidance the bias of the last LayerNorm, so
    one learned vector, whatever the padding's own vector is. That vector therefore has no part in the model and stays zero.

    Parameters
    ----------
    dim, history : int
        Width and longest input.
    dropout : float
        Dropout of inputs, attention weights and the feed-forward part.
    """

    def __init__(self, dim: int, history: int, dropout: float) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(history, dim))
        self.query, self.key, self.value = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.inner, self.outer = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(4))
        self.dropout = nn.Dropout(dropout)

    def forward(self, vectors: Tensor, real: Tensor) -> Tensor:
        """Encode histories.

        Parameters
        ----------
        vectors : Tensor, shape [B, L, D]
            Vector of each event, padded on the right.
        real : Tensor, shape [B, L], bool
            False at padding.

        Returns
        -------
        Tensor, shape [B, L, D]
            Guidance after each event; behind the end of a row that of an empty history.
        """
        real = real[:, :, None]
        before, between, inside, after = self.norms
        p = self.dropout(vectors + self.positions[: vectors.shape[1]]) * real
        q = before(p)
        p_drop = self.dropout.p if self.training else 0.0
        x = q + F.scaled_dot_product_attention(self.query(q), self.key(p), self.value(p), is_causal=True, dropout_p=p_drop)
        x = between(x)
        x = inside(x + self.dropout(self.outer(F.relu(self.inner(x)))))
        out: Tensor = after(x * real)
        return out
