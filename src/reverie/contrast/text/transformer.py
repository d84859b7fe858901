"""A pretrained transformer as an encoder of sentences."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from reverie.contrast.text.tokens import LONGEST, Tokens
from reverie.errors import ConfigError


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
