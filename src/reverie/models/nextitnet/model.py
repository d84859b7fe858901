"""NextItNet: residual blocks of dilated causal convolutions (Yuan et al. 2019)."""

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
        self.reach = (kernel - 1) * dilation
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Transform event states; x [B, L, D] → [B, L, D]."""
        out = x
        for times, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True), start=1):
            columns = F.pad(out.transpose(1, 2), (times * self.reach, 0))
            out = F.relu(norm(convolution(columns).transpose(1, 2)))
        x = x + self.dropout(out)
        return x


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
