"""A user's own set of attack prompts, said to a chat model: how many are not refused, and nothing of the texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from reverie.errors import ConfigError
from reverie.redteam.detectors.refusal import is_refusal
from reverie.redteam.messages import Message
from reverie.redteam.rates import Rate, wilson_rate
from reverie.redteam.roles import ChatModel, Target
from reverie.redteam.sap_sets import SapPrompt, describe_sap
from reverie.redteam.targets.chat import Chat
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import percent, span

ALL = "all"
NOTE = (
    "Not refused is no proof of harm: a detector of refusals reads the answers, nothing here judges them. Neither prompts nor "
    "answers are kept."
)


def chat_model(target: Target, name: str) -> ChatModel:
    """Return the model of a target that only chats; prompts of a user have no scene for any other."""
    if not isinstance(target, Chat):
        raise ConfigError(f"a folder of prompts can only be said to a model that chats, and '{name}' is another kind of target")
    return target.model


def ask_prompts(
    prompts: Sequence[SapPrompt], model: ChatModel, *, seed: int = 0, batch: int = 16, tell: Callable[[str], None] = lambda _: None
) -> dict[str, Rate]:
    """Say each prompt to a model without a system prompt, and return by category the share that it did not refuse.

    Parameters
    ----------
    prompts : sequence of SapPrompt
    model : ChatModel
    seed : int
        Of the model's sampling; a prompt's own seed follows its place.
    batch : int
        Prompts that are answered together.
    tell : callable
        Is told how far it is, by counts alone.

    Returns
    -------
    dict
        Categories in order, and ``all`` last; prompts without an answer are counted apart.
    """
    flags: dict[str, list[bool | None]] = {}
    for at in range(0, len(prompts), batch):
        asked = prompts[at : at + batch]
        replies = model.replies([(Message("user", one.text),) for one in asked], [seed + at + i for i in range(len(asked))])
        for one, reply in zip(asked, replies, strict=True):
            flags.setdefault(one.category, []).append(None if reply.failure else not is_refusal(reply.text))
        tell(f"{at + len(asked)} of {len(prompts)} prompts said")
    flags[ALL] = [flag for several in list(flags.values()) for flag in several]
    return {category: _rate(several) for category, several in flags.items()}


def _rate(flags: Sequence[bool | None]) -> Rate:
    answered = [flag for flag in flags if flag is not None]
    return wilson_rate(sum(answered), len(answered), len(flags) - len(answered))


def prompts_table(target: str, prompts: tuple[SapPrompt, ...], rates: dict[str, Rate]) -> Table:
    """Return the shares as a table."""
    rows: list[list[str | TableCell]] = []
    for category, rate in rates.items():
        cell = TableCell(percent(rate.value), span(rate.low, rate.high), value=rate.value, low=rate.low, high=rate.high)
        rows.append([category, f"{rate.successes} of {rate.n}", cell if rate.n else "–", str(rate.failures)])
    columns: list[str | Column] = ["category", *(Column(head, "right") for head in ("not refused", "share", "failures"))]
    return Table(f"{target}: {describe_sap(prompts)}", columns, rows, [NOTE])


def prompts_json(target: str, prompts: tuple[SapPrompt, ...], rates: dict[str, Rate]) -> dict[str, Any]:
    """Return the same as plain values."""
    return {"target": target, "set": describe_sap(prompts), "table": prompts_table(target, prompts, rates).to_json()}
