"""How models show themselves: name, options, catalogue and weights, with the layers of a torch module behind a line."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from torch import nn

from reverie.shown import Shown, html_table, listed

if TYPE_CHECKING:
    from reverie.protocols import Card


_CALLS = {
    "fit": "rv.fit(model, split)", "train_model": "rv.fit(model, split)", "recommend": "rv.recommend(model, histories=[…], k=10)",
    "predict": "rv.recommend(model, histories=[…], k=10)", "evaluate": "rv.evaluate(model, split.test)",
    "save": "rv.save_model(model, folder)", "load": "rv.load_model(folder)", "similar_items": "rv.similar(model, items)",
}  # fmt: skip
"""Methods of models of other libraries, and the calls that do the same here."""


def _changed(config: BaseModel) -> dict[str, Any]:
    """Return the options that are not the default, with the kind of those that have one."""
    found = config.model_dump(mode="json", exclude_defaults=True)
    kinds = {name: getattr(getattr(config, name), "kind", None) for name, value in found.items() if isinstance(value, dict)}
    return found | {name: {"kind": kind, **found[name]} for name, kind in kinds.items() if kind is not None}


class ShownModel(Shown):
    """A model whose `repr` is one line; in a notebook torch's own list of layers opens below a small table."""

    card: Card

    @property
    def _heading(self) -> str:
        """The registered name, or the class where the model has no card yet."""
        card = getattr(self, "card", None)
        return type(self).__name__ if card is None else card.name

    def _facts(self) -> dict[str, str]:
        """Return catalogue, options that are not the default, and how much was learnt or counted."""
        card, found = getattr(self, "card", None), {}
        if card is not None:
            found = {"items": f"{card.vocabulary.n_items:,}", "users": f"{card.vocabulary.n_users:,}"}
            found |= {"options": listed(_changed(card.config)) or "default"}
        if isinstance(self, nn.Module):
            return found | {"parameters": f"{sum(one.numel() for one in self.parameters()):,}"}
        arrays = getattr(self, "_arrays", None)
        return found | {"fitted": f"{sum(one.size for one in arrays.values()):,} numbers" if arrays else "not yet"}

    if not TYPE_CHECKING:  # a misspelt name stays an error to checkers of types

        def __getattr__(self, name: str) -> Any:
            """Say which call does what a method of another library would do."""
            if name in _CALLS:
                raise AttributeError(f"a model has no method '{name}'; write {_CALLS[name]}")
            if isinstance(self, nn.Module):
                return nn.Module.__getattr__(self, name)
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def _repr_html_(self) -> str:
        more = ""
        if isinstance(self, nn.Module):
            more = f"<details><summary>layers</summary><pre>{escape(nn.Module.__repr__(self))}</pre></details>"
        return html_table(self._heading, (), list(self._facts().items()), more=more)
