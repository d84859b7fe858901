"""A local language model that chats: conversations answered in batches, each drawn from its own seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        self.known: dict[tuple[Conversation, int], Reply] = {}
        """Replies of before: techniques often say what another one said, and a guard's target is asked what it was without it."""

    @classmethod
    def load(cls, config: LocalModel) -> LocalChat:
        """Load the weights, and the adapter where there is one."""
        backbone = load_local(config)
        return cls(config, backbone if config.adapter is None else with_adapter(backbone, Path(config.adapter)))

    def replies(self, conversations: Sequence[Conversation], seeds: Sequence[int]) -> list[Reply]:
        """Answer each conversation with its own seed; what was asked before with that seed has the same answer.

        Conversations of about one length are answered side by side. A row's draws depend on its seed alone; its probabilities
        on the rows beside it by rounding only.
        """
        asked = list(zip(conversations, seeds, strict=True))
        new = [one for one in dict.fromkeys(asked) if one not in self.known]
        self.known |= zip(new, self._answered([one for one, _ in new], [seed for _, seed in new]), strict=True)
        found = [self.known[one] for one in asked]
        while len(self.known) > self.config.remembered:
            self.known.pop(next(iter(self.known)))
        return found

    def _answered(self, conversations: Sequence[Conversation], seeds: Sequence[int]) -> list[Reply]:
        """Answer conversations in batches."""
        prompts = [chat_tokens(self.backbone, conversation) for conversation in conversations]
        replies = [Reply("", failure=TOO_LONG)] * len(prompts)
        room = self.backbone.context - self.config.max_tokens
        for rows in self._batches([row for row, prompt in enumerate(prompts) if len(prompt) <= room], prompts):
            begins = [self.prefixes.beginning(conversations[row], prompts[row]) for row in rows]
            longest = max(map(len, begins)) + max(len(prompts[row]) - len(one) for row, one in zip(rows, begins, strict=True))
            if not all(begins) or longest > room:  # side by side, the longest beginning stands before the longest end
                begins = [()] * len(rows)
            prefix = side_by_side([self.prefixes.prefix(begin) for begin in begins]) if begins[0] else None
            ends = [prompts[row][len(begin) :] for row, begin in zip(rows, begins, strict=True)]
            answers = sample_answers(self.backbone, ends, prefix, self.config, [seeds[row] for row in rows])
            for row, tokens in zip(rows, answers, strict=True):
                replies[row] = Reply(self.backbone.text(tokens).strip(), n_tokens=len(tokens))
        return replies

    def _batches(self, rows: Sequence[int], prompts: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Yield rows that are answered together, the shortest first, in batches of about one size."""
        order = sorted(rows, key=lambda row: len(prompts[row]))
        count = -(-len(order) // self.config.batch)
        ends = [len(order) * at // count for at in range(count + 1)] if count else []
        for first, end in pairwise(ends):
            yield order[first:end]


def model_name(config: LocalModel) -> str:
    """Return what tells weights apart: the name, the seed of random ones, and a digest of the adapter."""
    folder = Path(config.name).expanduser()
    name = folder.resolve().name if folder.is_dir() else config.name
    name += f"-{config.seed}" if config.name == TINY and config.seed else ""
    return name if config.adapter is None else f"{name}+{adapter_digest(Path(config.adapter))[:8]}"
