"""Fake sessions chosen by the victim's own user and item vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from reverie.data.batch import SequenceBatch, padded
from reverie.errors import ConfigError
from reverie.evaluation.ranking import evaluation_mode
from reverie.protocols import Represents
from reverie.robustness.attacks.sessions import rows_without, seen_sequences, sessions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.profiles import Profiles
    from reverie.data.sequences import Sequences
    from reverie.protocols import Recommender
    from reverie.robustness.attacks.config import GuidedSessionsConfig
    from reverie.robustness.threat import Need
    from reverie.robustness.view import Budget, Goal, View

_CHUNK = 256
_TOP = 10


class GuidedSessions:
    """Injected sessions whose histories are chosen by gradient, for a victim whose scores are ``<h, q>``.

    The cross entropy of target t after a history with state h_f moves the target's vector along h_f, so fake users S raise the
    score of user u by about ``η <h_u, Σ_{f in S} h_f>``. With gap_u the distance of the target to u's tenth unseen item, the
    number of users won is smoothed to ``Σ_u sigmoid((raise_u - gap_u) / τ)``, and histories of real users are added one by one
    where its gradient is largest. η is set so that an average history repeated by all fake users would close `push` times the
    median gap.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"order", "victim"})
    goals: ClassVar[frozenset[str]] = frozenset({"promote"})

    def __init__(self, config: GuidedSessionsConfig) -> None:
        self.config = config

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return profiles; see `Attack`."""
        sequences, victim = seen_sequences(view), view.victim
        if victim is None or not isinstance(victim, Represents):
            raise ConfigError(
                "attack 'guided-sessions' needs a victim whose scores are products of vectors; use 'sasrec', 'gru4rec' or 'mf', "
                "or the attack 'injected-sessions'"
            )
        chosen, kinds = np.zeros(budget.users, dtype=np.int64), len(goal.targets)
        for kind, target in enumerate(goal.targets.tolist()):
            free = rows_without(sequences, target)
            states, gaps = _states(victim, victim, sequences.take(free), target)
            chosen[kind::kinds] = free[self.greedy(states, gaps, len(chosen[kind::kinds]))]
        return sessions(view, goal, chosen, min(self.config.context or budget.size, budget.size - 1))

    def greedy(self, states: Tensor, gaps: Tensor, n: int) -> NDArray[np.int64]:
        """Choose histories; states [U, D], gaps [U] → [n]."""
        width = self.config.softness * gaps.std().clamp(min=1e-6) if len(gaps) > 1 else torch.ones(())
        typical = (states @ states.mean(0)).mean().abs().clamp(min=1e-9)
        step = self.config.push * gaps.median().clamp(min=1e-6) / (n * typical)
        raised, chosen = torch.zeros_like(gaps), []
        used = torch.zeros(len(states), dtype=torch.bool)
        for _ in range(n):
            inside = torch.sigmoid((raised - gaps) / width)
            worth = states @ ((inside * (1 - inside) + 1e-9) @ states)
            if bool(used.all()):
                used[:] = False
            best = int(worth.masked_fill(used, -torch.inf).argmax())
            chosen.append(best)
            used[best] = True
            raised = raised + step * (states @ states[best])
        return np.asarray(chosen, dtype=np.int64)


def _states(victim: Recommender, vectors: Represents, rows: Sequences, target: int) -> tuple[Tensor, Tensor]:
    """States after the latest events, [U, D], and gaps of the target to the tenth unseen item, [U]."""
    states, gaps = [], []
    with evaluation_mode(victim, None, 0) as device:
        table = vectors.item_table()
        for begin in range(0, len(rows), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            starts, stops = rows.starts[part], rows.stops[part]
            first = starts if victim.history is None else np.maximum(starts, stops - victim.history)
            items, lengths = torch.from_numpy(padded(rows.items, first, stops)), torch.from_numpy(stops - first)
            state = vectors.represent(SequenceBatch(items, lengths, torch.from_numpy(rows.users[part])).to(device))
            scores = (state @ table.T).cpu()
            own = scores[:, target - 1].clone()
            seen = torch.from_numpy(padded(rows.items, starts, stops))
            hidden = torch.zeros(len(scores), scores.shape[1] + 1, dtype=torch.bool).scatter_(1, seen, True)[:, 1:]
            hidden[:, target - 1] = True
            tenth = scores.masked_fill(hidden, -torch.inf).topk(min(_TOP, scores.shape[1]), dim=1).values[:, -1]
            gaps.append(torch.where(torch.isfinite(tenth), tenth - own, torch.zeros_like(own)))
            states.append(state.cpu())
    return torch.cat(states).float(), torch.cat(gaps).float()
