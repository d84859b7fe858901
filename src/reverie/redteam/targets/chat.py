"""A model that chats as a target: the goal's system prompt, then what is tried."""

from __future__ import annotations

from collections.abc import Sequence

from reverie.redteam.attempts import Response, Try
from reverie.redteam.goals import GoalKind
from reverie.redteam.messages import Conversation, Message
from reverie.redteam.roles import ChatModel
from reverie.redteam.targets.possible import POSSIBLE


class Chat:
    """See `ChatTarget`.

    Parameters
    ----------
    model : ChatModel
    name : str
        In tables; empty takes the model's.
    """

    kinds: frozenset[GoalKind] = POSSIBLE["chat"]

    def __init__(self, model: ChatModel, name: str = "") -> None:
        self.model, self.name = model, name or model.name

    def respond(self, tries: Sequence[Try]) -> list[Response]:
        """Answer each try."""
        conversations = [under_system(tried.goal.system, tried.turns) for tried in tries]
        replies = self.model.replies(conversations, [tried.seed for tried in tries])
        return [Response(reply.text, n_tokens=reply.n_tokens, failure=reply.failure) for reply in replies]


def under_system(system: str, turns: Conversation) -> Conversation:
    """Return a conversation under a system prompt, or without one where it is empty."""
    return (Message("system", system), *turns) if system else turns
