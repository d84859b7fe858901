"""What roles say to each other: messages, conversations, and the reply of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: Role
    text: str


Conversation = tuple[Message, ...]
"""Messages in order; one that a model answers ends with the user's."""


@dataclass(frozen=True)
class Reply:
    """What a model answered.

    Parameters
    ----------
    text : str
        Its answer; empty where it failed.
    n_tokens : int
        Tokens of the answer, 0 where the model does not say.
    failure : str
        Why there is no answer (``timeout``, ``malformed``, ``http 500`` …); empty where there is one. A failure is counted apart
        and is never an attack that was withstood.
    cut : bool
        Whether it ended only because it was as long as it may be; of an endpoint that does not say so, false.
    """

    text: str
    n_tokens: int = 0
    failure: str = ""
    cut: bool = False
