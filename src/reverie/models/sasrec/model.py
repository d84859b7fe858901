"""SASRec: causal self-attention over the history (Kang and McAuley 2018)."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from reverie.data.vocabulary import Vocabulary
from reverie.models.learned import SequenceRecommender
from reverie.models.sasrec.config import SASRecConfig
from reverie.nn.blocks import BLOCKS, Dropout


class CausalTransformer(nn.Module):
    """Self-attentive network over a history, pre-norm."""

    def __init__(self, blocks: Iterable[nn.Module], dim: int, history: int, dropout: float, learned_positions: bool) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.empty(history, dim)) if learned_positions else None
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)
        self.dropout = Dropout(dropout)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_normal_(parameter)

    def forward(self, x: Tensor, users: Tensor) -> Tensor:
        """Return the state after each event; x [B, L, D], users [B] → [B, L, D]."""
        return self._read(x, None)

    def last(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the state after the last event: the last block reads that one alone; x [B, L, D], lengths [B] → [B, D]."""
        return self._read(x, (lengths - 1).clamp(min=0))[:, 0]

    def _read(self, x: Tensor, at: Tensor | None) -> Tensor:
        """Return the state after each event, or after one of each row; x [B, L, D], at [B] → [B, L, D] or [B, 1, D]."""
        if self.positions is not None:
            x = x + self.positions[: x.shape[1]]
        x = self.dropout(x)
        for number, block in enumerate(self.blocks, start=1):
            x = block(x, at=at if number == len(self.blocks) else None)
        out: Tensor = self.norm(x)
        return out


class SASRec(SequenceRecommender):
    """Self-attention over the history.

    .. [1] Kang and McAuley, Self-attentive sequential recommendation, ICDM 2018, arXiv 1808.09781. Deviations: LayerNorm before
       each branch and at the end, GELU, softmax losses over all positions instead of one binary negative.
    """

    def __init__(self, config: SASRecConfig, vocabulary: Vocabulary) -> None:
        block, rope = BLOCKS[config.block], config.positions == "rope"
        blocks = [block(config.dim, config.heads, config.multiple, config.dropout, rope) for _ in range(config.blocks)]
        sizes = (config.dim, config.history, config.dropout)
        super().__init__(config, vocabulary, lambda: CausalTransformer(blocks, *sizes, learned_positions=not rope), config.cosine)
