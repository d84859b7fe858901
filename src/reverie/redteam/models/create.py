"""`create_chat_model`: a model that chats, from its options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from reverie.options import Options, checked
from reverie.redteam.models.config import ChatModelConfig, ModelChoice, Script
from reverie.redteam.roles import ChatModel


def model_config(given: ChatModelConfig | Mapping[str, Any] | str, where: str = "model") -> ChatModelConfig:
    """Return checked options of a model.

    Parameters
    ----------
    given : options, mapping or str
        A mapping has the key ``kind`` (``hf`` where it is left out). A text is the name or the folder of a local language model,
        or the name of a scripted one, such as ``always-refuse``.
    where : str
        What messages begin with.

    Returns
    -------
    ChatModelConfig
    """
    if isinstance(given, Options):
        return given
    return checked(ModelChoice, {"model": model_values(given)}, where).model


def model_values(given: Mapping[str, Any] | str) -> dict[str, Any]:
    """Return unchecked options with their ``kind``, for a mapping or a name."""
    if isinstance(given, str):
        given = {"kind": "scripted", "script": given} if given in get_args(Script) else {"name": given}
    return {"kind": "hf", **given}


def create_chat_model(config: ChatModelConfig | Mapping[str, Any] | str) -> ChatModel:
    """Create a model that chats.

    Parameters
    ----------
    config : options, mapping or str
        As `model_config` takes them.

    Returns
    -------
    ChatModel
        Its weights are loaded; an endpoint is not called yet.

    Raises
    ------
    ConfigError
        If an option is wrong, or a package is missing.
    DataError
        If weights cannot be loaded.
    """
    config = model_config(config)
    match config.kind:
        case "scripted":
            from reverie.redteam.models.scripted import Scripted

            return Scripted(config)
        case "hf":
            from reverie.redteam.models.local import LocalChat

            return LocalChat.load(config)
        case "openai":
            from reverie.redteam.models.openai import OpenAIChat

            return OpenAIChat(config)
        case "http":
            from reverie.redteam.models.http import HttpChat

            return HttpChat(config)
        case "gguf":
            from reverie.redteam.models.gguf import GgufChat

            return GgufChat(config)
