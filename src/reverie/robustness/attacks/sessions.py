"""Injected sessions: histories of real users followed by the target, drawn or chosen by the victim's own vectors."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.data.batch import SequenceBatch, padded
from reverie.data.profiles import Profiles
from reverie.data.sequences import Sequences
from reverie.errors import ConfigError, DataError
from reverie.evaluation.ranking import evaluation_mode
from reverie.protocols import Recommender, Represents
from reverie.robustness.attacks.attack import BaseAttack, Budget, Goal, View
from reverie.robustness.attacks.config import GuidedSessionsConfig, InjectedSessionsConfig
from reverie.robustness.attacks.templates import append_targets
from reverie.seeds import numpy_generator


class InjectedSessions(BaseAttack[InjectedSessionsConfig]):
    """Each fake user repeats the latest events of a real one, and then comes the target."""

    needs = frozenset({"order"})
    goals = frozenset({"promote"})

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return profiles; see `Attack`."""
        draw, sequences = numpy_generator(seed, "attack", "sessions"), seen_sequences(view)
        rows, kinds = np.zeros(budget.users, dtype=np.int64), len(goal.targets)
        for kind, target in enumerate(goal.targets.tolist()):
            free = rows_without(sequences, target)
            last = sequences.items[sequences.stops[free] - 1]
            ordered = free[np.lexsort((draw.random(len(free)), last))]
            n = len(rows[kind::kinds])
            at = (draw.random() + np.arange(n)) * len(ordered) / n
            rows[kind::kinds] = draw.permutation(ordered[at.astype(np.int64) % len(ordered)])
        return sessions(view, goal, rows, min(self.config.context or budget.size, budget.size - 1))


def seen_sequences(view: View) -> Sequences:
    """Return the likes that the attacker sees in their order."""
    if view.sequences is None:
        raise TypeError("the attack needs the order of events and must declare so")
    return view.sequences


def rows_without(sequences: Sequences, target: int) -> NDArray[np.int64]:
    """Return the rows that are not empty and do not hold an item; where there are none, those that are not empty."""
    filled = sequences.lengths > 0
    if not filled.any():
        raise DataError("the attacker sees no user with likes; raise knowledge.share")
    has = np.zeros(len(sequences), dtype=np.bool_)
    has[sequences.event_rows()[sequences.items[sequences.positions()] == target]] = True
    free = np.flatnonzero(filled & ~has)
    return free if len(free) else np.flatnonzero(filled)


def sessions(view: View, goal: Goal, rows: NDArray[np.int64], length: int) -> Profiles:
    """Put targets after the latest events of users; rows [F]."""
    taken, high = seen_sequences(view).take(rows), view.arena.ratings.scale.high
    owners, items = taken.event_rows(), taken.items[taken.positions()].astype(np.int64)
    stays = ~np.isin(items, goal.targets)
    owners, items = owners[stays][::-1], items[stays][::-1]
    _, first = np.unique(owners * (view.n_items + 1) + items, return_index=True)
    first = np.sort(first)
    owners, items = owners[first], items[first]  # the owners descend, and so does time within each
    counts = np.bincount(owners, minlength=len(rows))
    begin = np.cumsum(counts[::-1])[::-1] - counts
    age = np.arange(len(owners)) - begin[owners]
    owners, items = owners[age < length][::-1], items[age < length][::-1]
    return append_targets(view, goal, owners, items, np.full(len(items), high), len(rows))


_CHUNK = 256
_TOP = 10


class GuidedSessions(BaseAttack[GuidedSessionsConfig]):
    """Injected sessions whose histories are chosen by gradient, for a victim whose scores are ``<h, q>``.

    The cross entropy of target t after a history with state h_f moves the target's vector along h_f, so fake users S raise the
    score of user u by about ``η <h_u, Σ_{f in S} h_f>``. With gap_u the distance of the target to u's tenth unseen item, the
    number of users won is smoothed to ``Σ_u sigmoid((raise_u - gap_u) / τ)``, and histories of real users are added one by one
    where its gradient is largest. η is set so that an average history repeated by all fake users would close `push` times the
    median gap.
    """

    needs = frozenset({"order", "victim"})
    goals = frozenset({"promote"})

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
