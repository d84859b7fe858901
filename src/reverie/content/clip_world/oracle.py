"""What a recommender that knows the truth of the clip world gets, and what one that sees single frames can get at best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from reverie.protocols import Card

if TYPE_CHECKING:
    from reverie.content.clip_world.generate import ClipWorld
    from reverie.data.batch import SequenceBatch
    from reverie.data.vocabulary import Vocabulary


@dataclass
class Oracle:
    """Scores by the odds that made the clicks: no recommender is better in expectation; it knows tastes, not only histories.

    Parameters
    ----------
    world : ClipWorld
    vocabulary : Vocabulary
        Of the split that is measured; ids are those of the world.
    motion, sound : bool
        What it knows of the clips; without both it scores all alike.
    """

    world: ClipWorld
    vocabulary: Vocabulary
    motion: bool = True
    sound: bool = True
    history: int | None = None

    def __post_init__(self) -> None:
        known = {one: at for at, one in enumerate(self.world.clips.ids)}
        self._clips = np.array([known[one] for one in self.vocabulary.items.to_list()])
        self._users = np.array([int(one.rpartition("-")[2]) for one in self.vocabulary.users.to_list()])
        self.card = Card("oracle", None, self.vocabulary)

    def scores(self, batch: SequenceBatch, items: torch.Tensor | None = None) -> torch.Tensor:
        """Score the catalogue, or candidates [B, C], for users → [B, N] or [B, C]."""
        users = self._users[batch.users.cpu().numpy()]
        found = torch.from_numpy(self.world.utilities(users, self.motion, self.sound)[:, self._clips]).float()
        return found if items is None else found.gather(1, (items.cpu() - 1).clamp(min=0))


def blind_hit_rates(n_candidates: NDArray[np.int64], n_new: NDArray[np.int64], k: int) -> tuple[float, float]:
    """Return hit rates at k on items without clicks of a model that cannot tell motions or sounds apart.

    By construction single frames of all motions have one distribution, so nothing about a new clip tells whether it is liked. The
    first value is that of an order by chance, the mean of ``min(1, k / candidates)``. The second is the most that can be had
    without knowing anything of taste: all new clips first, in an order by chance, ``min(1, k / new clips)``.

    Parameters
    ----------
    n_candidates : ndarray, shape [Q]
        Of each query.
    n_new : ndarray, shape [Q]
        Candidates among them that nobody clicked in training.
    k : int
    """
    chance, first = (float(np.minimum(1, k / np.maximum(1, count)).mean()) for count in (n_candidates, n_new))
    return chance, first
