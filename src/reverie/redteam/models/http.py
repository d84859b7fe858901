"""Any HTTP endpoint: the body from a JSON template, the answer from a path in the JSON that comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reverie.redteam.messages import Conversation, Reply
from reverie.redteam.models.config import HttpModel
from reverie.redteam.models.endpoint import Endpoint
from reverie.redteam.models.openai import plain_messages


class HttpChat:
    """See `HttpModel`."""

    def __init__(self, config: HttpModel) -> None:
        self.config, self.endpoint = config, Endpoint(config, headers=config.headers)
        self.name = config.url.partition("://")[2].partition("?")[0]

    def replies(self, conversations: Sequence[Conversation], seeds: Sequence[int], until: str = "") -> list[Reply]:
        """Answer each conversation with its own seed."""
        bodies = [filled(self.config.template, conversation, seed) for conversation, seed in zip(conversations, seeds, strict=True)]
        return self.endpoint.replies(bodies, self._read)

    def _read(self, found: Any) -> Reply:
        for part in self.config.answer.split("."):
            found = found[int(part)] if isinstance(found, list) else found[part]
        if not isinstance(found, str):
            raise TypeError("the answer is no text")
        return Reply(found.strip())


def filled(template: Any, conversation: Conversation, seed: int) -> Any:
    """Return a template with its slots filled; what was filled in is not read again."""
    if isinstance(template, dict):
        return {name: filled(value, conversation, seed) for name, value in template.items()}
    if isinstance(template, list):
        return [filled(value, conversation, seed) for value in template]
    if template == "{seed}":
        return seed
    if template == "{messages}":
        return plain_messages(conversation)
    if not isinstance(template, str):
        return template
    system = next((message.text for message in conversation if message.role == "system"), "")
    pieces = [piece.replace("{system}", system) for piece in template.split("{prompt}")]
    return conversation[-1].text.join(pieces)
