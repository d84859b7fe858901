"""Attention over the catalogue: a state attends to item vectors, and the mixture of their titles is its soft tokens."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STEPS, ROWS, RATE = 600, 512, 1e-2
"""Of the fit of questions to items, before any gradient passes through a language model."""


class Recall(nn.Module):
    """See `reverie.llm.adapter_config.Catalogue`.

    A standardised state s becomes the question q = A s + b; its soft tokens are ``W sum_i p_i t_i`` with
    ``p = softmax(exp(c) q . v_i)``, where v_i is the standardised vector of item i and t_i the token vectors of its title. A, b, c
    and W are learned and hold nothing of a single item, so an item whose title was never taught can be named from its vector and
    its title. While it is being taught, such items are not in the memory.
    """

    keys: Tensor
    values: Tensor
    taught: Tensor

    def __init__(self, dim: int, width: int, tokens: int) -> None:
        super().__init__()
        self.tokens = tokens
        self.question, self.voice = nn.Linear(dim, dim), nn.Linear(width, width, bias=False)
        self.sharpness = nn.Parameter(torch.zeros(()))
        nn.init.eye_(self.question.weight)
        nn.init.zeros_(self.question.bias)
        nn.init.eye_(self.voice.weight)
        self.register_buffer("keys", torch.zeros(1, dim), persistent=False)
        self.register_buffer("values", torch.zeros(1, tokens, width), persistent=False)
        self.register_buffer("taught", torch.ones(1, dtype=torch.bool), persistent=False)

    def set_catalogue(self, table: Tensor, values: Tensor, taught: Tensor) -> None:
        """Take a catalogue in; another may follow; table [N, D], values [N, tokens, width], taught [N]."""
        centred = table - table.mean(0)
        self.keys = centred / centred.square().mean().sqrt().clamp(min=1e-8)
        self.values, self.taught = values, taught

    def logits(self, states: Tensor) -> Tensor:
        """Return how much each standardised state [..., D] asks for each item [..., N]."""
        logits = self.question(states) @ self.keys.T * self.sharpness.exp() / math.sqrt(self.keys.shape[1])
        return cast("Tensor", logits.masked_fill(~self.taught, -math.inf) if self.training else logits)

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Return [B, L * tokens, width] for [B, L, D]."""
        recalled = self.logits(states).softmax(-1) @ self.values.flatten(1)
        out: Tensor = self.voice(recalled.view(len(states), states.shape[1] * self.tokens, -1))
        return out

    @torch.enable_grad()
    def fit(self, states: Tensor, codes: Tensor, generator: torch.Generator) -> float:
        """Fit the questions, so that each state asks for the item after which it stands; states [M, D], codes [M]."""
        self.train()
        learned = [*self.question.parameters(), self.sharpness]
        optimiser = torch.optim.Adam(learned, lr=RATE)
        loss = torch.zeros(())
        for _ in range(STEPS):
            rows = torch.randint(len(states), (min(ROWS, len(states)),), generator=generator)
            rows = rows.to(states.device)
            loss = F.cross_entropy(self.logits(states[rows]), codes[rows] - 1)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        self.eval()
        return float(loss.detach())
