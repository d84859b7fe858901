"""How models show themselves: name, options, catalogue and weights, with the layers of a torch module behind a line."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from torch import nn

from reverie.shown import Shown, html_table, listed

if TYPE_CHECKING:
    from reverie.protocols import Card


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
            found |= {"options": listed(card.config.model_dump(mode="json", exclude_defaults=True)) or "default"}
        if isinstance(self, nn.Module):
            return found | {"parameters": f"{sum(one.numel() for one in self.parameters()):,}"}
        arrays = getattr(self, "_arrays", None)
        return found | {"fitted": f"{sum(one.size for one in arrays.values()):,} numbers" if arrays else "not yet"}

    def _repr_html_(self) -> str:
        more = ""
        if isinstance(self, nn.Module):
            more = f"<details><summary>layers</summary><pre>{escape(nn.Module.__repr__(self))}</pre></details>"
        return html_table(self._heading, (), list(self._facts().items()), more=more)
