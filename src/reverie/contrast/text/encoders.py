"""Sentence encoders (mean of words, all-MiniLM) and their contrastive training by two dropouts of a sentence."""

import copy
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.contrast.task import cosines_of_others
from reverie.contrast.text.config import TextTask
from reverie.contrast.text.lexicon import Lexicon, Rarity, bucketed_batches
from reverie.errors import NotFinite
from reverie.nn.sentences import MeanOfStates, Tokens, encoded, weights_folder
from reverie.objectives import ScoreLoss
from reverie.objectives.contrastive.vectors import contrast
from reverie.seeds import seed_torch
from reverie.training.config import TrainingConfig
from reverie.training.optimiser import learning_rate


class MeanOfWords(nn.Module):
    """``z = Σ_t a_t dropout(v_t) / Σ_t a_t`` over the words t of a sentence, with ``a_t = r_t softplus(u · v_t + b)``.

    A word's vector v is the vector of its spelling and the weighted mean of the vectors of its parts (see `Lexicon`), as in
    fastText (arXiv 1607.04606), so that words never seen before have one. u starts at zero and the softplus at 1. r is the `Rarity`
    of words, or 1: then the mean is plain before training, and what it learns first is to count frequent words less. The order of
    words is lost. A transformer layer, from nothing and on these few sentences, came out lower on STS-B's development pairs, 0.67
    against 0.70, and took eight times as long.
    """

    def __init__(self, buckets: int, dim: int, part_weight: float, dropout: float, sentences: Sequence[str] | None = None) -> None:
        super().__init__()
        self.table = nn.Parameter(0.1 * torch.randn(buckets, dim))
        self.weigh = nn.Linear(dim, 1)
        nn.init.zeros_(self.weigh.weight)
        nn.init.constant_(self.weigh.bias, float(np.log(np.expm1(1.0))))  # softplus gives 1
        self.dropout = nn.Dropout(dropout)
        self._lexicon = Lexicon(buckets, part_weight)
        self._rarity = None if sentences is None else Rarity(self._lexicon.tokens(sentences))

    def tokens(self, sentences: Sequence[str]) -> Tokens:
        """Return sentences as numbers of words."""
        return self._lexicon.tokens(sentences)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return vectors of sentences; ids [B, L], mask [B, L] → [B, D]."""
        device = self.table.device
        numbers, place = ids.unique(return_inverse=True)  # type: ignore[no-untyped-call] # torch's own
        buckets, offsets, part_weights = (part.to(device) for part in self._lexicon.features(numbers))
        vectors = F.embedding_bag(buckets, self.table, offsets, mode="sum", per_sample_weights=part_weights)
        place, mask = place.to(device), mask.to(device)
        amount = F.softplus(self.weigh(vectors))[:, 0]
        if self._rarity is not None:
            amount = amount * torch.from_numpy(self._rarity(numbers.numpy())).to(amount)
        weights = amount[place] * mask
        mean: Tensor = (self.dropout(vectors[place]) * weights[..., None]).sum(1) / weights.sum(1, keepdim=True)
        return mean


Encoder = MeanOfWords | MeanOfStates
"""Module with ``tokens(sentences)``, and a call with padded ids [B, L] and their mask that gives vectors [B, D]."""
DROPOUT = 0.5
"""Of the small encoder, where the options leave it open."""


def new_encoder(config: TextTask, sentences: Sequence[str], seed: int, pretrained: bool) -> Encoder:
    """Return an encoder before it is taught."""
    seed_torch(seed, "text encoder")
    if config.encoder == "minilm":
        return MeanOfStates(weights_folder(config.weights), pretrained, config.dropout)
    dropout = DROPOUT if config.dropout is None else config.dropout
    return MeanOfWords(config.buckets, config.dim, config.part_weight, dropout, sentences if config.rarity else None)


def pair_cosines(encoder: Encoder, first: Tokens, second: Tokens) -> NDArray[np.float64]:
    """Return the cosine of each pair's vectors → [P]."""
    cosines = (encoded(encoder, first).double() * encoded(encoder, second).double()).sum(1)
    return np.asarray(cosines.clamp(-1, 1).numpy())


RATES = {"small": 3e-3, "minilm": 3e-5}
"""Learning rates where the options leave it open."""


def train_encoder(
    encoder: Encoder,
    tokens: Tokens,
    loss: ScoreLoss,
    value: Callable[[], float],
    config: TextTask,
    seed: int,
    say: Callable[[str], None],
) -> tuple[float, int, Tensor]:
    """Teach an encoder that two dropouts of a sentence are alike, and other sentences of the batch are not (arXiv 2104.08821)."""
    loss = copy.deepcopy(loss).train()
    rate = config.learning_rate or RATES[config.encoder]
    adam = torch.optim.Adam(encoder.parameters(), lr=rate, fused=True)
    rates = TrainingConfig(learning_rate=rate, schedule="cosine")
    size = min(config.batch_size, len(tokens.lengths))
    per_epoch = len(tokens.lengths) // size
    total, begin = config.epochs * per_epoch, time.monotonic()
    best, best_epoch, weights, cosines = -np.inf, 0, {}, []
    encoder.train()
    # not `Trainer`: plain Adam, batches by length, the best weights by step and not by epoch; stored results rest on both
    for done in range(total):
        epoch, step = divmod(done, per_epoch)
        if step == 0:
            batches = bucketed_batches(tokens.lengths, size, seed, epoch)
        seed_torch(seed, "text step", epoch, step)
        adam.param_groups[0]["lr"] = learning_rate(rates, done, total)
        ids, mask = tokens.padded(batches[step])
        views: Tensor = encoder(ids.repeat(2, 1), mask.repeat(2, 1)).float()
        _look(views, "vectors of sentences", done)
        first, second = views.chunk(2)
        result = contrast(loss, first, second, temperature=None)
        _look(result, "the loss", done)
        adam.zero_grad(set_to_none=True)
        result.backward()  # type: ignore[no-untyped-call] # torch's own
        adam.step()
        if epoch == config.epochs - 1:
            cosines.append(cosines_of_others(first.detach(), second.detach()))
        if (done + 1) % config.evaluate_every == 0 or done + 1 == total:
            found = value()
            if found > best:
                best, best_epoch = found, epoch + 1
                weights = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
            say(f"step {done + 1} of {total}: loss {float(result.detach()):.4f}, dev {found:.4f}, {time.monotonic() - begin:.0f} s")
    encoder.load_state_dict(weights)
    return best, best_epoch, torch.cat(cosines)


def _look(values: Tensor, what: str, done: int) -> None:
    if not bool(values.isfinite().all()):
        raise NotFinite(f"{what} became NaN or infinite in step {done + 1}; use a smaller learning rate")
