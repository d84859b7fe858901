"""`create_target`: a target from its options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from reverie.options import Options, checked
from reverie.redteam.models.create import create_chat_model, model_values
from reverie.redteam.roles import Target
from reverie.redteam.targets.config import Behaviour, TargetChoice, TargetConfig


def target_config(given: TargetConfig | Mapping[str, Any] | str, where: str = "target") -> TargetConfig:
    """Return checked options of a target.

    Parameters
    ----------
    given : options, mapping or str
        A mapping has the key ``kind`` (``chat`` where it is left out). A text is the name of a control, such as ``always-pass``,
        or the name or the folder of a local language model; the same texts may stand for `model`.
    where : str
        What messages begin with.

    Returns
    -------
    TargetConfig
    """
    if isinstance(given, Options):
        return given
    if isinstance(given, str):
        control = given in get_args(Behaviour)
        given = {"kind": "control", "behaviour": given} if control else {"model": given}
    values = {"kind": "chat", **given}
    if isinstance(values.get("model"), Mapping | str):
        values["model"] = model_values(values["model"])
    return checked(TargetChoice, {"target": values}, where).target


def create_target(config: TargetConfig | Mapping[str, Any] | str) -> Target:
    """Create a target.

    Parameters
    ----------
    config : options, mapping or str
        As `target_config` takes them.

    Returns
    -------
    Target

    Raises
    ------
    ConfigError
        If an option is wrong, or a package is missing.
    DataError, RunError
        If weights, or a run, cannot be read.
    """
    config = target_config(config)
    match config.kind:
        case "control":
            from reverie.redteam.targets.control import Control

            return Control(config.behaviour, config.name)
        case "chat":
            from reverie.redteam.targets.chat import Chat

            return Chat(create_chat_model(config.model), config.name)
        case "chat-recommender":
            from reverie.redteam.targets.chat_recommender import ChatRecommender

            return ChatRecommender(create_chat_model(config.model), config.length, config.name)
        case "collm":
            from reverie.redteam.targets.collm import CoLLMRecommender

            return CoLLMRecommender.load(config)
        case "recinterpreter":
            from reverie.redteam.targets.recinterpreter import RecInterpreter

            return RecInterpreter.load(config)
