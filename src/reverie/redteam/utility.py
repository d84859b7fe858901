"""What a chat model can do beside its safety: perplexity of held-out prose, and a small set of questions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.errors import DataError
from reverie.plain_yaml import read_yaml
from reverie.redteam.messages import Message

if TYPE_CHECKING:
    from reverie.llm.backbone import Backbone


@dataclass(frozen=True)
class Question:
    """An easy question with its right answer and wrong ones."""

    ask: str
    right: str
    wrong: tuple[str, ...]


def _packaged(name: str) -> Any:
    return read_yaml(Path(str(resources.files("reverie.redteam") / "benign_data" / name)))


@cache
def passages() -> tuple[str, ...]:
    """Return the passages of everyday prose, written for this project, that no defence learns from."""
    return tuple(str(text) for text in _packaged("passages.yaml"))


@cache
def questions() -> tuple[Question, ...]:
    """Return the questions, written for this project, that no defence learns from."""
    return tuple(Question(str(one["ask"]), str(one["right"]), tuple(map(str, one["wrong"]))) for one in _packaged("questions.yaml"))


@dataclass(frozen=True)
class TextLosses:
    """How surprised a language model is by each text: nats [N], and the tokens that they are a sum over [N]."""

    nats: tuple[float, ...]
    tokens: tuple[int, ...]

    @property
    def perplexity(self) -> float:
        """Of all tokens together."""
        return math.exp(sum(self.nats) / sum(self.tokens))


def text_losses(backbone: Backbone, texts: Sequence[str]) -> TextLosses:
    """Measure texts, each alone and without a chat template; the first token is given."""
    import torch

    from reverie.llm.generate import token_losses
    from reverie.llm.prompts import collate

    nats, counts = [], []
    with torch.no_grad():
        for text in texts:
            tokens = [*backbone.begin, *backbone.tokens(text)][: backbone.context]
            if len(tokens) < 2:
                raise DataError("the perplexity of a text of one token is not defined; use longer texts")
            batch = collate(backbone, [tokens[:1]], [tokens[1:]])
            losses, counted = token_losses(backbone, batch, torch.zeros(0, backbone.width, device=backbone.device))
            nats.append(float(losses.double().sum()))
            counts.append(int(counted.sum()))
    return TextLosses(tuple(nats), tuple(counts))


def questions_right(backbone: Backbone, asked: Sequence[Question] | None = None) -> tuple[bool, ...]:
    """Return for each question whether the right answer is the likeliest way to begin, by the log-probability of its tokens.

    The question is asked through the model's chat template without a system prompt; chance is one in four. What follows the answer
    does not count, since chat models go on talking: with the end token behind it, SmolLM2 is hardly better than chance.
    """
    import torch

    from reverie.llm.generate import continuation_log_likelihoods
    from reverie.redteam.models.chat_tokens import chat_tokens

    none = torch.zeros(0, backbone.width, device=backbone.device)
    hits = []
    for question in questions() if asked is None else asked:
        prompt = chat_tokens(backbone, (Message("user", question.ask),))
        answers = [backbone.tokens(text[:1].upper() + text[1:]) for text in (question.right, *question.wrong)]
        scores = continuation_log_likelihoods(backbone, prompt, none, answers).tolist()
        hits.append(scores[0] > max(scores[1:]))
    return tuple(hits)
