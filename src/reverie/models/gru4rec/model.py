"""GRU4Rec: gated recurrent units over item embeddings (Hidasi et al. 2016)."""

from torch import Tensor, nn

from reverie.data.vocabulary import Vocabulary
from reverie.models.gru4rec.config import GRU4RecConfig
from reverie.models.learned import SequenceRecommender
from reverie.nn.blocks import Dropout


class RecurrentNetwork(nn.Module):
    """A recurrent network whose state is brought to the width of the item vectors."""

    def __init__(self, config: GRU4RecConfig) -> None:
        super().__init__()
        between = config.dropout if config.layers > 1 else 0.0
        self.gru = nn.GRU(config.dim, config.hidden, config.layers, batch_first=True, dropout=between)
        self.project = nn.Linear(config.hidden, config.dim)
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Tensor, users: Tensor) -> Tensor:
        """Return the state after each event; x [B, L, D], users [B] → [B, L, D]."""
        hidden, _ = self.gru(self.dropout(x))
        out: Tensor = self.project(self.dropout(hidden))
        return out


class GRU4Rec(SequenceRecommender):
    """Gated recurrent units over the history.

    .. [1] Hidasi et al., Session-based recommendations with recurrent neural networks, ICLR 2016, arXiv 1511.06939.
    .. [2] Hidasi and Karatzoglou, Recurrent neural networks with top-k gains, CIKM 2018, arXiv 1706.03847. Deviations: whole
       histories side by side instead of session-parallel mini-batches with a carried state; input and output share one item
       table, with a linear map from the recurrent state to it; no item biases and no activation of scores; sampled softmax over
       uniform negatives by default instead of TOP1 or BPR-max over in-batch ones (the objective is an option); AdamW instead of
       Adagrad.
    """

    def __init__(self, config: GRU4RecConfig, vocabulary: Vocabulary) -> None:
        super().__init__(config, vocabulary, lambda: RecurrentNetwork(config))
