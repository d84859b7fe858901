"""A local language model that chats: conversations answered in batches, each drawn from its own seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from reverie.llm.backbone import Backbone
from reverie.llm.config import TINY
from reverie.redteam.messages import Conversation, Reply
from reverie.redteam.models.adapters import adapter_digest, with_adapter
from reverie.redteam.models.chat_tokens import chat_tokens
from reverie.redteam.models.config import LocalModel
from reverie.redteam.models.generation import sample_answers
from reverie.redteam.models.packaged import load_local
from reverie.redteam.models.prefixes import PrefixCache, side_by_side

TOO_LONG = "too long"
Asked = tuple[Conversation, int]
"""A conversation with its seed."""
Batch = tuple[Asked, ...]


class LocalChat:
    """A language model of transformers, see `LocalModel`.

    Parameters
    ----------
    config : LocalModel
    backbone : Backbone
        Its weights; one that is being hardened is given here.
    name : str
        What it is called; empty takes the name of the weights.
    """

    def __init__(self, config: LocalModel, backbone: Backbone, name: str = "") -> None:
        self.config, self.backbone = config, backbone
        self.name = name or model_name(config)
        self.prefixes = PrefixCache(backbone, config.prefixes)
        self.known: dict[tuple[Batch, str], list[Reply]] = {}
        """Replies of before, by whole batches: a guard's target is often asked what it was asked without the guard."""

    @classmethod
    def load(cls, config: LocalModel) -> LocalChat:
        """Load the weights, and the adapter where there is one."""
        backbone = load_local(config)
        return cls(config, backbone if config.adapter is None else with_adapter(backbone, Path(config.adapter)))

    def replies(self, conversations: Sequence[Conversation], seeds: Sequence[int], until: str = "") -> list[Reply]:
        """Answer each conversation with its own seed; a batch that was answered before has the same answers.

        An answer ends where the pattern `until` is found in it.

        Conversations of about one length are answered side by side. A row's draws depend on its seed alone; its probabilities
        on the rows beside it by rounding only. Which rows those are follows from what is asked, not from what is remembered, so
        that an attack that was cut goes on to the same answers.
        """
        asked = list(zip(conversations, seeds, strict=True))
        prompts = {one: chat_tokens(self.backbone, one[0]) for one in dict.fromkeys(asked)}
        room = self.backbone.context - self.config.max_tokens
        found = {one: Reply("", failure=TOO_LONG) for one, prompt in prompts.items() if len(prompt) > room}
        for batch in self._batches([one for one in prompts if one not in found], prompts):
            if (batch, until) not in self.known:
                self.known[batch, until] = self._answered(batch, [prompts[one] for one in batch], room, until)
            found |= zip(batch, self.known[batch, until], strict=True)
        while self.known and sum(map(len, self.known.values())) > self.config.remembered:
            self.known.pop(next(iter(self.known)))
        return [found[one] for one in asked]

    def _answered(self, batch: Batch, prompts: Sequence[Sequence[int]], room: int, until: str) -> list[Reply]:
        """Answer one batch."""
        begins = [self.prefixes.beginning(conversation, prompt) for (conversation, _), prompt in zip(batch, prompts, strict=True)]
        longest = max(map(len, begins)) + max(len(prompt) - len(one) for prompt, one in zip(prompts, begins, strict=True))
        if not all(begins) or longest > room:  # side by side, the longest beginning stands before the longest end
            begins = [()] * len(batch)
        prefix = side_by_side([self.prefixes.prefix(begin) for begin in begins]) if begins[0] else None
        ends = [prompt[len(begin) :] for prompt, begin in zip(prompts, begins, strict=True)]
        answers = sample_answers(self.backbone, ends, prefix, self.config, [seed for _, seed in batch], until)
        longest = self.config.max_tokens
        return [Reply(self.backbone.text(tokens).strip(), len(tokens), cut=len(tokens) == longest) for tokens in answers]

    def _batches(self, asked: Sequence[Asked], prompts: Mapping[Asked, Sequence[int]]) -> Iterator[Batch]:
        """Yield what is answered together, the shortest first, in batches of about one size."""
        order = sorted(asked, key=lambda one: len(prompts[one]))
        count = -(-len(order) // self.config.batch)
        ends = [len(order) * at // count for at in range(count + 1)] if count else []
        for first, end in pairwise(ends):
            yield tuple(order[first:end])


def model_name(config: LocalModel) -> str:
    """Return what tells weights apart: the name, the seed of random ones, and a digest of the adapter."""
    folder = Path(config.name).expanduser()
    name = folder.resolve().name if folder.is_dir() else config.name
    name += f"-{config.seed}" if config.name == TINY and config.seed else ""
    return name if config.adapter is None else f"{name}+{adapter_digest(Path(config.adapter))[:8]}"
