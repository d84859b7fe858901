"""Conversations as tokens, by the chat template of a language model."""

from __future__ import annotations

from collections.abc import Sequence

from reverie.errors import ConfigError
from reverie.llm.backbone import Backbone
from reverie.redteam.messages import Conversation, Message


def chat_tokens(backbone: Backbone, conversation: Sequence[Message]) -> list[int]:
    """Return the tokens of a conversation, up to where the model's answer begins.

    Special tokens that are written in a text are read as such, as transformers does: that is a way in for attacks.

    Parameters
    ----------
    backbone : Backbone
    conversation : sequence of Message
        The system prompt first where there is one. A model whose template has no place for it reads it before the first message.

    Returns
    -------
    list of int

    Raises
    ------
    ConfigError
        If the model has no chat template.
    """
    from jinja2 import TemplateError

    if not getattr(backbone.tokenizer, "chat_template", None):
        raise ConfigError(f"the language model {backbone.name} has no chat template; take one that was taught to chat")
    try:
        return _rendered(backbone, conversation)
    except TemplateError as error:
        merged = _without_system(tuple(conversation))
        if merged == tuple(conversation):
            raise ConfigError(f"the chat template of {backbone.name} refuses a conversation ({error})") from error
        return _rendered(backbone, merged)


def _rendered(backbone: Backbone, conversation: Sequence[Message]) -> list[int]:
    messages = [{"role": message.role, "content": message.text} for message in conversation]
    text = backbone.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return backbone.tokens(str(text))


def _without_system(conversation: Conversation) -> Conversation:
    """Return a conversation with the system prompt written before the first message."""
    if len(conversation) < 2 or conversation[0].role != "system":
        return conversation
    first = Message(conversation[1].role, f"{conversation[0].text}\n\n{conversation[1].text}")
    return (first, *conversation[2:])


def opening_tokens(backbone: Backbone, first: Message | None) -> list[int]:
    """Return the tokens that every longer conversation with a first message begins with, or with none every single message."""
    opening = () if first is None else (first,)
    rest = (Message("assistant", "."), Message("user", ".")) if first is not None and first.role == "user" else ()
    asked = [(*opening, Message(rest[0].role if rest else "user", text), *rest[1:]) for text in ("a", "1")]
    one, other = (chat_tokens(backbone, conversation) for conversation in asked)
    shared = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    return one[:shared]
