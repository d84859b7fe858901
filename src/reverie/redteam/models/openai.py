"""Models behind ``/chat/completions``, as OpenAI's servers and most others answer it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reverie.redteam.messages import Conversation, Reply
from reverie.redteam.models.config import OpenAIModel
from reverie.redteam.models.endpoint import Endpoint


class OpenAIChat:
    """See `OpenAIModel`. The seed goes with each call; whether it is heeded is the server's affair."""

    def __init__(self, config: OpenAIModel) -> None:
        self.config = config
        self.endpoint = Endpoint(config, "/chat/completions", {"Authorization": "Bearer {key}"})
        self.name = f"{config.model}@{self.endpoint.place}"

    def replies(self, conversations: Sequence[Conversation], seeds: Sequence[int], until: str = "") -> list[Reply]:
        """Answer each conversation with its own seed."""
        bodies = [self._body(conversation, seed) for conversation, seed in zip(conversations, seeds, strict=True)]
        return self.endpoint.replies(bodies, read_completion)

    def _body(self, conversation: Conversation, seed: int) -> dict[str, Any]:
        config = self.config
        sampling = {"temperature": config.temperature, "top_p": config.top_p, "max_tokens": config.max_tokens, "seed": seed}
        return {"model": config.model, "messages": plain_messages(conversation)} | sampling


def plain_messages(conversation: Conversation) -> list[dict[str, str]]:
    """Return a conversation as endpoints take it."""
    return [{"role": message.role, "content": message.text} for message in conversation]


def read_completion(found: Any) -> Reply:
    """Return the first choice of an answer; anything else than a text is an error."""
    first = found["choices"][0]
    text = first["message"]["content"]
    if not isinstance(text, str):
        raise TypeError("the content is no text")
    usage = found.get("usage")
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return Reply(text.strip(), tokens if isinstance(tokens, int) else 0, cut=first.get("finish_reason") == "length")
