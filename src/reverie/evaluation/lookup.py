"""Item codes from ids, titles or nearly matching titles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.vocabulary import Vocabulary

CUTOFF = 85.0
"""Similarity, 0…100, from which a title counts as found."""
MARGIN = 2.0
"""How much more similar than any other title it has to be."""


def find_items(wanted: Sequence[Any], vocabulary: Vocabulary) -> NDArray[np.int32]:
    """Return the codes of items named by ids or titles."""
    codes = vocabulary.item_codes(wanted)
    missing = np.flatnonzero(codes == 0)
    if len(missing):
        titles = _Titles(vocabulary)
        for at in missing.tolist():
            codes[at] = titles.find(wanted[at])
    return codes


class _Titles:
    """Titles of a vocabulary, by their lower-case form."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.codes: dict[str, list[int]] = defaultdict(list)
        for code, title in enumerate([] if vocabulary.titles is None else vocabulary.titles.to_list(), start=1):
            if title:
                self.codes[title.casefold().strip()].append(code)

    def find(self, wanted: Any) -> int:
        """Return the code of the item that a text names."""
        from rapidfuzz import fuzz, process, utils

        if not self.codes:
            raise DataError(
                f"no item has the id '{wanted}', and this catalogue has no titles to look in; use ids of the training data"
            )
        text = str(wanted).casefold().strip()
        if text in self.codes:
            return self._only(wanted, self.codes[text])
        near = process.extract(text, list(self.codes), scorer=fuzz.WRatio, processor=utils.default_process, limit=3)
        named = ", ".join(f"'{self.vocabulary.title(self.codes[title][0])}'" for title, _, _ in near)
        if near[0][1] < CUTOFF:
            raise DataError(f"no item has the id or title '{wanted}'; the nearest titles are {named}")
        if len(near) > 1 and near[1][1] > near[0][1] - MARGIN:
            raise DataError(f"'{wanted}' may mean several items; write one of the titles {named} in full")
        return self._only(wanted, self.codes[near[0][0]])

    def _only(self, wanted: Any, codes: list[int]) -> int:
        if len(codes) > 1:
            ids = ", ".join(str(self.vocabulary.items[code - 1]) for code in codes[:5])
            raise DataError(f"{len(codes)} items have the title '{wanted}'; name one by its id: {ids}")
        return codes[0]
