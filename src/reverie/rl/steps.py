"""`Transitions`: what one training step looks at, the transitions of a batch laid end to end with their states."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from reverie.data.transitions import TransitionBatch
from reverie.nn.heads import DotHead
from reverie.objectives.negatives import Negatives, Sampler
from reverie.rl.network import ValueNetwork


@dataclass(frozen=True)
class Candidates:
    """Drawn items and one more for each state; drawn [K] or [M, K], own [M]."""

    drawn: Tensor
    own: Tensor

    def scores(self, head: DotHead, states: Tensor) -> Tensor:
        """Return the scores of all of them; states [M, D] → [M, K + 1]."""
        return torch.cat([head.scores(states, self.drawn), score_each(head, states, self.own)[:, None]], 1)

    def best(self, scores: Tensor) -> Tensor:
        """Return the item of highest score for each state; scores [M, K + 1] → [M]."""
        items = torch.cat([self.drawn.expand(len(self.own), -1), self.own[:, None]], 1)
        return items.gather(1, scores.argmax(1, keepdim=True))[:, 0]


@dataclass(eq=False)
class Transitions:
    """The M transitions of a batch; what needs another pass or head is computed when it is first asked for."""

    batch: TransitionBatch
    main: ValueNetwork
    """Trained in this step."""
    target: ValueNetwork
    """Gives the values of next states; it has no gradient here and no dropout."""
    sampler: Sampler
    """Draws items beside the logged ones."""
    drops: bool
    """Whether the trained network has dropout."""

    def __post_init__(self) -> None:
        self._had_dropout = self.drops and self.main.training
        self._every, places = self.main.flat_states(self.batch)
        width = self.batch.items.shape[1]
        row, column = places // width, places % width
        lengths = self.batch.lengths[row]
        self._at = torch.nonzero(column + 1 < lengths)[:, 0]
        row, column, lengths = row[self._at], column[self._at], lengths[self._at]
        self.states = self._every.index_select(0, self._at)
        """s_t [M, D]; in training the pass that gave them had dropout."""
        self.events = column + 1
        """How many events each state has read [M]."""
        self.users = self.batch.users[row]
        self._row, self._column = row, column
        self.actions = self.batch.actions[row, column]
        """Items chosen in s_t [M]."""
        self.last_items = self.batch.items[row, column]
        """Items chosen last before s_t [M]."""
        later = (column + 2).clamp(max=width - 1)
        self.next_actions = self.batch.items[row, later].masked_fill(column + 2 >= lengths, 0)
        """Items chosen in s_{t+1} [M]; 0 where the piece ends."""

    def __len__(self) -> int:
        return len(self._at)

    def _field(self, values: Tensor | None, name: str) -> Tensor:
        if values is None:
            raise ValueError(f"value models need a batch with {name}, as the plan 'transitions' makes it")
        return values[self._row, self._column]

    @cached_property
    def rewards(self) -> Tensor:
        """Rewards of the actions [M]."""
        return self._field(self.batch.rewards, "rewards")

    @cached_property
    def done(self) -> Tensor:
        """Whether the row ends with the action [M]."""
        return self._field(self.batch.done, "done")

    @cached_property
    def _settled(self) -> Tensor:
        """States after all events by the trained network, without gradient or dropout, for which that takes another pass."""
        if not self._had_dropout:
            return self._every.detach()
        mode = self.main.training
        self.main.eval()
        try:
            with torch.no_grad():
                return self.main.flat_states(self.batch)[0]
        finally:
            self.main.train(mode)

    @property
    def settled_states(self) -> Tensor:
        """s_t [M, D], without gradient or dropout."""
        return self._settled[self._at]

    @cached_property
    def next_states(self) -> Tensor:
        """s_{t+1} [M, D], without gradient or dropout."""
        return self._settled[self._at + 1]

    @cached_property
    def _by_target(self) -> Tensor:
        with torch.no_grad():
            return self.target.eval().flat_states(self.batch)[0]

    @property
    def target_states(self) -> Tensor:
        """s_t by the target network [M, D]."""
        return self._by_target[self._at]

    @property
    def target_next_states(self) -> Tensor:
        """s_{t+1} by the target network [M, D]."""
        return self._by_target[self._at + 1]

    @cached_property
    def ce_head(self) -> DotHead:
        """The trained network's head of logits."""
        return self.main.ce_head()

    @cached_property
    def q_head(self) -> DotHead:
        """The trained network's head of Q values."""
        return self.main.q_head()

    @cached_property
    def frozen_q_head(self) -> DotHead:
        """The same without gradient."""
        head = self.q_head
        return replace(head, table=head.table.detach(), bias=None if head.bias is None else head.bias.detach())

    @cached_property
    def target_q_head(self) -> DotHead:
        """The target network's head of Q values, without gradient."""
        with torch.no_grad():
            return self.target.q_head()

    @cached_property
    def drawn(self) -> Negatives:
        """Items drawn for this step, the same for all losses."""
        return self.sampler.draw(self.actions)

    @cached_property
    def next_candidates(self) -> Candidates:
        """What is looked at in s_{t+1} where not all items are: drawn ones and the logged one, or the taken one at an end."""
        return Candidates(self.drawn.items, torch.where(self.next_actions > 0, self.next_actions, self.actions))

    @cached_property
    def q_taken(self) -> Tensor:
        """Q(s_t, a_t) [M]."""
        return score_each(self.q_head, self.states, self.actions)


def score_each(head: DotHead, states: Tensor, items: Tensor) -> Tensor:
    """Return the score of one item for each state; states [M, D], items [M] → [M]."""
    return head.scores(states, items[:, None])[:, 0]


def score_draws(head: DotHead, states: Tensor, drawn: Negatives, actions: Tensor) -> Tensor:
    """Return the scores of drawn items, -inf where one is the state's own action; states [M, D], actions [M] → [M, K]."""
    return head.scores(states, drawn.items).masked_fill(drawn.mask(actions), float("-inf"))
