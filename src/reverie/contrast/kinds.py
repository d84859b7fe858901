"""Kinds of data that losses are compared on; listing them imports none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverie.errors import ConfigError
from reverie.options import checked
from reverie.registry import Entry, Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from reverie.contrast.task import Task


def _entry(kind: str, summary: str) -> Entry:
    room = f"reverie.contrast.{kind}"
    return Entry(build=f"{room}.task:open_task", config=f"{room}.config:{kind.capitalize()}Task", summary=summary)


KINDS = Registry(
    "kind of task",
    {
        "graph": _entry("graph", "graph classification by support vector machines on frozen vectors"),
        "image": _entry("image", "image classification by neighbours and a linear probe on frozen vectors"),
        "text": _entry("text", "similarity of sentences, by Spearman's correlation with people's judgements"),
    },
    "reverie.contrast",
)
"""A task's build function takes its configuration and a device; other packages offer kinds under the group ``reverie.contrast``."""


def task_config(values: Mapping[str, Any], where: str) -> BaseModel:
    """Check the options of a task."""
    if "kind" not in values:
        raise ConfigError(f"{where}: option 'task.kind' is missing; add it, one of {', '.join(sorted(KINDS))}")
    try:
        config: type[BaseModel] = KINDS.config(str(values["kind"]))
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    return checked(config, values, f"{where}: task")


def open_task(config: BaseModel, device: str | None = None) -> Task:
    """Read the data of a task."""
    task: Task = KINDS.build(config.model_dump()["kind"])(config, device)
    return task
