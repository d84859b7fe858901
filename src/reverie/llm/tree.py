"""Constrained decoding: a prefix tree over the tokens of titles, so that an answer names items of the catalogue only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reverie.llm.backbone import Backbone
    from reverie.llm.titles import Titles


class TitleTree:
    """Lists of distinct titles, one a line, with an end token behind the last."""

    def __init__(self, backbone: Backbone, titles: Titles, max_titles: int) -> None:
        self.max_titles = max_titles
        self.separator = tuple(backbone.tokens("\n"))
        self.end = backbone.end
        self.paths = {code: (*backbone.tokens(titles.text(code)), *self.separator) for code in titles.first.values()}
        self.longest = max_titles * max(map(len, self.paths.values())) + 1
        self._children: list[dict[int, int]] = [{}]
        self._counts: list[int] = [0]
        self._code: dict[int, int] = {}
        for code, path in self.paths.items():
            node = 0
            self._counts[0] += 1
            for token in path:
                node = self._child(node, token)
                self._counts[node] += 1
            self._code[node] = code

    def _child(self, node: int, token: int) -> int:
        if token not in self._children[node]:
            self._children[node][token] = len(self._children)
            self._children.append({})
            self._counts.append(0)
        return self._children[node][token]

    def allowed(self, _row: int, tokens: Sequence[int]) -> list[int]:
        """Return the tokens that may follow; an `Allowed` of `reverie.llm.generate`."""
        node, used, taken = 0, [], [0]
        for token in tokens:
            node = self._children[node][token]
            taken.append(node)
            if node in self._code:
                used.append(taken)
                node, taken = 0, [0]
        if node == 0 and len(used) >= self.max_titles:
            return [self.end]
        spent: dict[int, int] = {}
        for path in used:
            for visited in path:
                spent[visited] = spent.get(visited, 0) + 1
        open_tokens = [token for token, child in self._children[node].items() if self._counts[child] > spent.get(child, 0)]
        return [*open_tokens, self.end] if node == 0 and used else open_tokens or [self.end]
