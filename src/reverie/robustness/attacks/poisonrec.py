"""PoisonRec (Song et al. 2020)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.profiles import Profiles
from reverie.errors import ConfigError
from reverie.robustness.arena import Codes, Floats
from reverie.robustness.attacks.attack import BaseAttack, Budget, Goal, View
from reverie.robustness.attacks.config import PoisonrecConfig
from reverie.robustness.attacks.gradient import gradient_step
from reverie.robustness.attacks.templates import append_targets, n_fillers
from reverie.seeds import seed_torch, torch_generator


class ItemTree:
    """Paths from the root to items; popularity [N]."""

    def __init__(self, popularity: Codes, head: float, forbidden: Codes) -> None:
        order = np.argsort(-popularity, kind="stable")
        order = order[~np.isin(order + 1, forbidden)]
        if len(order) < 2:
            raise ValueError("a tree needs two items")
        first = min(max(1, round(head * len(order))), len(order) - 1)
        sizes = (first, len(order) - first)
        self.n_nodes = 1 + (sizes[0] - 1) + (sizes[1] - 1)
        depth = 2 + int(np.ceil(np.log2(max(sizes))))
        self.nodes = np.full((len(popularity), depth), -1, dtype=np.int64)
        self.right = np.zeros((len(popularity), depth), dtype=np.bool_)
        self.leaves = torch.from_numpy(order)
        self._sizes, self._depth = sizes, depth
        for side, (size, offset) in enumerate(zip(sizes, (0, sizes[0]), strict=True)):
            items, node, column = order[offset : offset + size], np.arange(size, 2 * size), depth - 1
            while (node > 1).any():  # from the leaves up; node 1 is the top of this tree
                inside = node > 1
                self.nodes[items[inside], column] = node[inside] // 2 + side * (sizes[0] - 1)
                self.right[items[inside], column] = node[inside] % 2 == 1
                node, column = np.where(inside, node // 2, node), column - 1
            self.nodes[items, 0], self.right[items, 0] = 0, side == 1

    def draw(self, states: Tensor, table: Tensor, bias: Tensor, generator: torch.Generator) -> Tensor:
        """Walk down the tree from the root; at a node, right has probability ``sigmoid(<state, node> + bias)``.

        states [B, D], table [n_nodes, D], bias [n_nodes] → [B].
        """

        def turns(node: Tensor) -> Tensor:
            chance = torch.sigmoid((states * table[node]).sum(1) + bias[node])
            return torch.rand(len(states), generator=generator) < chance

        side = turns(torch.zeros(len(states), dtype=torch.int64)).long()
        size = torch.tensor(self._sizes)[side]
        node = torch.ones_like(side)
        for _ in range(self._depth):
            inside = node < size
            if not bool(inside.any()):
                break
            number = torch.where(inside, node + side * (self._sizes[0] - 1), torch.zeros_like(node))
            node = torch.where(inside, 2 * node + turns(number).long(), node)
        return self.leaves[node - size + side * self._sizes[0]]

    def log_chance(self, states: Tensor, table: Tensor, bias: Tensor, columns: Tensor) -> Tensor:
        """Return the log-probability with which `draw` gives items; states [..., D], columns [...] → [...]."""
        nodes, right = torch.from_numpy(self.nodes)[columns], torch.from_numpy(self.right)[columns]
        inside = nodes >= 0
        nodes = nodes.clamp(min=0)
        logits = torch.einsum("...d,...kd->...k", states, table[nodes]) + bias[nodes]
        return (F.logsigmoid(torch.where(right, logits, -logits)) * inside).sum(-1)


class Policy(nn.Module):
    """An LSTM over the items drawn so far, from a vector of the fake user; its state walks down an `ItemTree`."""

    def __init__(self, users: int, n_items: int, tree: ItemTree, dim: int) -> None:
        super().__init__()
        self.tree = tree
        self.users, self.items = nn.Embedding(users, dim), nn.Embedding(n_items, dim)
        self.memory = nn.LSTM(dim, dim, batch_first=True)
        self.out = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, dim))
        self.table = nn.Parameter(torch.randn(tree.n_nodes, dim) * 0.1)
        self.bias = nn.Parameter(torch.zeros(tree.n_nodes))

    def log_chance(self, users: Tensor, columns: Tensor) -> Tensor:
        """Return the log-probability of each item given those before it, of fake users [B] with columns [B, T] → [B, T]."""
        inputs = torch.cat([self.users(users)[:, None], self.items(columns[:, :-1])], dim=1)
        return self.tree.log_chance(self.out(self.memory(inputs)[0]), self.table, self.bias, columns)

    @torch.no_grad()
    def sample(self, users: Tensor, length: int, generator: torch.Generator) -> Tensor:
        """Draw the items of fake users, shape [B, T] of columns."""
        given, memory, columns = self.users(users)[:, None], None, []
        for _ in range(length):
            state, memory = self.memory(given, memory)
            columns.append(self.tree.draw(self.out(state[:, 0]), self.table, self.bias, generator))
            given = self.items(columns[-1])[:, None]
        return torch.stack(columns, dim=1)


class PoisonRec(BaseAttack[PoisonrecConfig]):
    """Black box: a policy chooses the items of fake users one by one, and learns from the reward of a trial.

    .. [1] Song, Li, Wang et al., PoisonRec: an adaptive data poisoning framework for attacking black-box recommender systems,
       ICDE 2020.
    """

    needs = frozenset({"reward", "popularity"})

    def __init__(self, config: PoisonrecConfig) -> None:
        self.config = config
        self.rewards: list[float] = []
        """Of the trials of the last `craft`, in order."""

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return profiles; see `Attack`."""
        config, trials = self.config, min(self.config.trials, view.trials)
        if view.reward is None or trials < 1:
            raise ConfigError("attack 'poisonrec' learns from trials, but none is allowed; raise knowledge.trials")
        seed_torch(seed, "attack", "poisonrec")
        generator = torch_generator(seed, "attack", "poisonrec", "draw")
        tree = ItemTree(view.popularity, config.head, goal.targets.astype(np.int64))
        policy = Policy(budget.users, view.n_items, tree, config.dim)
        optimiser = torch.optim.Adam(policy.parameters(), lr=config.rate)
        length = max(n_fillers(view, goal, budget.size), 1)
        best, highest, self.rewards = None, -np.inf, []
        while len(self.rewards) < trials:
            n = min(config.episodes, trials - len(self.rewards))
            users = torch.arange(budget.users).repeat(n)
            columns = policy.sample(users, length, generator)
            for episode in columns.reshape(n, budget.users, length).numpy():
                profiles = _profiles(episode, view, goal)
                self.rewards.append(float(view.reward(profiles)))
                if self.rewards[-1] > highest:
                    best, highest = profiles, self.rewards[-1]
            if len(self.rewards) < trials:
                self._learn(policy, optimiser, users, columns, np.asarray(self.rewards[-n:]))
        if best is None:
            raise ConfigError("attack 'poisonrec' was only given rewards that are no numbers; check the reward")
        return best

    def _learn(self, policy: Policy, optimiser: torch.optim.Optimizer, users: Tensor, columns: Tensor, rewards: Floats) -> None:
        spread = float(rewards.std())
        if spread == 0.0:
            return
        advantages = torch.from_numpy((rewards - rewards.mean()) / spread).float().repeat_interleave(len(users) // len(rewards))
        before: Tensor | None = None
        for _ in range(self.config.passes):
            chances = policy.log_chance(users, columns)
            before = chances.detach() if before is None else before
            ratio = (chances - before).exp()
            cut = ratio.clamp(1 - self.config.clip, 1 + self.config.clip)
            loss = -torch.minimum(ratio * advantages[:, None], cut * advantages[:, None]).mean()
            gradient_step(optimiser, loss)


def _profiles(columns: Codes, view: View, goal: Goal) -> Profiles:
    """Return profiles in the order of drawing, an item where it was first drawn, the target last."""
    n = len(columns)
    owners = np.repeat(np.arange(n), columns.shape[1])
    _, first = np.unique(owners * view.n_items + columns.ravel(), return_index=True)
    first = np.sort(first)
    ratings = np.full(len(first), view.arena.ratings.scale.high)
    return append_targets(view, goal, owners[first], columns.ravel()[first] + 1, ratings, n)
