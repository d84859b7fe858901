"""The options by which a verb adds items that nobody has clicked yet to a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverie.errors import ConfigError

if TYPE_CHECKING:
    from reverie.protocols import Recommender

Items = Annotated[
    Path | None, typer.Option("--items", help="Table of items that the model does not know: ids, titles, paths of covers.")
]
Content = Annotated[
    list[str] | None, typer.Option("--content", help="Features of the items of --items, such as image=new.npy; may be repeated.")
]


def extended(model: Recommender, items: Path | None, content: list[str] | None) -> Recommender:
    """Return a model with the new items that the options name."""
    from reverie.models.new_items import with_new_items

    if items is None:
        if content:
            raise ConfigError("--content has the features of new items; give their table, too, with --items")
        return model
    files = {}
    for one in content or ():
        name, sign, path = one.partition("=")
        if not (name and sign and path):
            raise ConfigError(f"--content {one} names no file; write what the features come from and their file, as image=new.npy")
        files[name] = path
    return with_new_items(model, items, files)
