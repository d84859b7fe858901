"""Encoder of titles by a transformer that is taught further: all of it, or its last layers over kept states of those below."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError
from reverie.models.item_encoders.base import ContentEncoder
from reverie.models.item_encoders.config import TextOptions
from reverie.models.item_encoders.features import create_features
from reverie.nn.sentences import MeanOfStates, Tokens, weights_folder

PIECE = 512
"""Titles whose lower states are computed at once."""


class TextEncoder(ContentEncoder):
    """Mean over a transformer's last states, scaled to length √W, then one linear layer (and a GELU where asked for).

    With `lower` layers left as they are, their states are computed once, at the first training step, without dropout, and kept in
    half precision; only the layers above are part of the model. Vectors of the catalogue are kept in the saved model.

    Parameters
    ----------
    options : TextOptions
    network : MeanOfStates
        Its transformer must have its layers at ``encoder.layer``, as BERT and its kin have.
    titles : list of str or None
        Of the items, in the order of their codes.
    dim : int
    """

    def __init__(self, options: TextOptions, network: MeanOfStates, titles: list[str | None], dim: int) -> None:
        present = torch.tensor([bool(title and title.strip()) for title in titles])
        super().__init__(len(titles), dim, present=present, at_once=options.at_once, keep=True)
        self.rate = 1.0 if options.tuning == "scratch" else options.rate
        self.gelu, self.dropout = options.activation == "gelu", nn.Dropout(options.dropout)
        self._tokens = network.tokens([title or "" for title in titles], options.longest)
        model: Any = network.states
        width = int(model.config.hidden_size)
        self.linear = nn.Linear(width, dim)
        nn.init.normal_(self.linear.weight, std=(width * dim) ** -0.5)
        nn.init.zeros_(self.linear.bias)
        self._lower: list[Any] = []  # in a list, so that its weights are no part of this module
        if options.tuning == "top":
            layers = getattr(getattr(model, "encoder", None), "layer", None)
            if not isinstance(layers, nn.ModuleList) or not options.layers < len(layers):
                have = "no encoder.layer" if layers is None else f"{len(layers)} layers"
                raise ConfigError(f"tuning=top trains the last {options.layers} layers and the transformer has {have}; use full")
            self.network: nn.Module = nn.ModuleList(layers[-options.layers :])
            model.encoder.layer = nn.ModuleList(layers[: -options.layers])
            self._lower = [model.eval().requires_grad_(False)]
        else:
            self.network = model

    def slow_parameters(self) -> list[nn.Parameter]:
        """Return the weights of the transformer."""
        return list(self.network.parameters())

    def vectors(self, items: Tensor) -> Tensor:
        """Return the vectors of distinct items that have a title; items [U] → [U, D]."""
        rows = items.cpu().numpy() - 1
        ids, mask = (part.to(items.device) for part in self._tokens.padded(rows))
        if self._lower:
            states = self._kept_states(rows, mask) if self.training else self._states_below(ids, mask)
            added = torch.zeros(mask.shape, device=mask.device).masked_fill(~mask, torch.finfo(states.dtype).min)[:, None, None]
            for layer in cast("nn.ModuleList", self.network):
                states = layer(states, added)
        else:
            states = self.network(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        out = self.linear(self.dropout(F.normalize(mean, dim=-1) * mean.shape[-1] ** 0.5))
        return F.gelu(out) if self.gelu else out

    def _kept_states(self, rows: NDArray[np.int64], mask: Tensor) -> Tensor:
        """Return the states below, from those of the whole catalogue, laid end to end; rows [U], mask [U, L] → [U, L, W]."""
        if "below" not in self.fixed:
            self.fixed["below"] = self._all_states_below(self._tokens, mask.device)
        starts = torch.from_numpy(self._tokens.starts[rows]).to(mask.device)
        at = (starts[:, None] + torch.arange(mask.shape[1], device=mask.device)).masked_fill(~mask, 0)
        return self.fixed["below"][at].float()

    def _all_states_below(self, tokens: Tokens, device: torch.device) -> Tensor:
        """Return the states below of all pieces of words of all titles, those of similar length computed together → [T, W]."""
        below: Tensor | None = None
        order = np.argsort(tokens.lengths, kind="stable")
        for at in range(0, len(order), PIECE):
            rows = order[at : at + PIECE]
            ids, mask = (part.to(device) for part in tokens.padded(rows))
            states = self._states_below(ids, mask).half()
            if below is None:
                below = states.new_zeros(len(tokens.ids), states.shape[-1])
            starts = torch.from_numpy(tokens.starts[rows]).to(device)
            below[(starts[:, None] + torch.arange(mask.shape[1], device=device))[mask]] = states[mask]
        if below is None:
            raise ValueError("there are no titles")
        return below

    @torch.no_grad()
    def _states_below(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the states of the layers that are left as they are, as exact as kept ones; ids, mask [U, L] → [U, L, W]."""
        lower = self._lower[0] = self._lower[0].to(ids.device)
        states: Tensor = lower(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return states.half().float()


def create_text(options: TextOptions, vocabulary: Vocabulary, dim: int) -> ContentEncoder:
    """Return the encoder of titles that the options ask for."""
    if not options.end_to_end:
        return create_features(options, vocabulary, dim)
    if vocabulary.titles is None or not any(vocabulary.titles.fill_null("").str.strip_chars().str.len_bytes() > 0):
        raise ConfigError("item_encoder 'text' reads titles, and this dataset has none; give a catalogue with a column 'title'")
    network = MeanOfStates(weights_folder(options.weights), options.tuning != "scratch", dropout=None)
    return TextEncoder(options, network, vocabulary.titles.to_list(), dim)
