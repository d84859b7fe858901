"""NextItNet: residual blocks of dilated causal convolutions (Yuan et al. 2019)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.vocabulary import Vocabulary
from reverie.models.learned import SequenceRecommender
from reverie.models.nextitnet.config import NextItNetConfig
from reverie.nn.blocks import Dropout


class DilatedBlock(nn.Module):
    """x + two dilated causal convolutions, each with layer norm and ReLU (arXiv 1808.05163, figure 3 b)."""

    def __init__(self, dim: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv1d(dim, dim, kernel, dilation=d) for d in (dilation, 2 * dilation))
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Transform event states; x [B, L, D] → [B, L, D]."""
        out = x
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            out = F.relu(norm(_causal(convolution, out)))  # type: ignore[arg-type]  # they are Conv1d
        x = x + self.dropout(out)
        return x


def _causal(convolution: nn.Conv1d, x: Tensor) -> Tensor:
    """Return a convolution over each event and those before it, as one product with shifted inputs, which a CPU does faster.

    x [B, L, D] → [B, L, D].
    """
    weight, bias, (dilation,) = convolution.weight, convolution.bias, convolution.dilation
    kernel, length = weight.shape[2], x.shape[1]
    padded = F.pad(x, (0, 0, (kernel - 1) * dilation, 0))
    shifted = torch.cat([padded[:, k * dilation : k * dilation + length] for k in range(kernel)], -1)
    return F.linear(shifted, weight.transpose(1, 2).flatten(1), bias)


class DilatedNetwork(nn.Module):
    """Residual blocks one after the other, then a linear layer."""

    def __init__(self, config: NextItNetConfig) -> None:
        super().__init__()
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.Sequential(*(DilatedBlock(config.dim, config.kernel, d, config.dropout) for d in config.dilations))
        self.project = nn.Linear(config.dim, config.dim)

    def forward(self, x: Tensor, users: Tensor) -> Tensor:
        """Return the state after each event; x [B, L, D], users [B] → [B, L, D]."""
        out: Tensor = self.project(self.blocks(self.dropout(x)))
        return out


class NextItNet(SequenceRecommender):
    """Stacked dilated causal convolutions over the history.

    .. [1] Yuan, Karatzoglou, Arapakis, Jose and He, A simple convolutional generative network for next item recommendation, WSDM
       2019, arXiv 1808.05163. Deviations: input and output share one item table without biases, with a linear map from the last
       block to it; dropout of inputs and of each block, which the paper has not (``dropout=0``); sampled softmax by default (the
       objective is an option). Blocks of two convolutions with dilations d and 2d are published; 64 channels and the list
       1, 2, 1, 2, 1, 2 are those of the code of SQN (arXiv 2006.05779).
    """

    def __init__(self, config: NextItNetConfig, vocabulary: Vocabulary) -> None:
        super().__init__(config, vocabulary, lambda: DilatedNetwork(config))
