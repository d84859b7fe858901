"""Simulation of recommenders in a world beside its own policies: returns, lengths and regret with intervals, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from reverie.errors import ConfigError
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, percent, span
from reverie.rl.policies import ModelPolicy, Policy
from reverie.rl.worlds.rollout import RollOut, roll_out

if TYPE_CHECKING:
    from reverie.evaluation.effects import Effect
    from reverie.rl.worlds.world import World


@dataclass(frozen=True)
class Simulated:
    """One policy in a world.

    Parameters
    ----------
    rolled : RollOut
        Its sessions.
    exact : float or None
        Its exact return, where it reads states alone.
    returns, length : Effect
        Means with intervals over sessions.
    regret : Effect or None
        Below the best return, where that is known.
    gain : Effect or None
        Return of the first recommender minus this one's, paired by session; None in its own row.
    """

    rolled: RollOut
    exact: float | None
    returns: Effect
    length: Effect
    regret: Effect | None
    gain: Effect | None


def simulate(policies: Mapping[str, Policy], world: World, n: int = 1000, seed: int = 0) -> dict[str, Simulated]:
    """Roll out recommenders and the policies that a world compares with, all under the same chances.

    Parameters
    ----------
    policies : mapping of str to Policy
        Recommenders by name, the one in question first.
    world : World
        Where.
    n : int
        Sessions of each.
    seed : int
        Of all draws.

    Returns
    -------
    dict of str to Simulated
        Recommenders first, then the world's own policies.

    Raises
    ------
    ConfigError
        If Gymnasium, where it is installed, refuses the world, or a recommender is called as one of the world's policies.
    """
    if find_spec("gymnasium"):
        from reverie.rl.worlds.environments import check

        check(world)
    references = world.references()
    if taken := sorted(set(policies) & set(references)):
        raise ConfigError(f"a run is called '{taken[0]}', as a policy of the world; rename its folder")
    best, found = world.best_value(), dict[str, Simulated]()
    first: RollOut | None = None
    for name, policy in (dict(policies) | dict(references)).items():
        rolled = roll_out(policy, world, n, seed)
        regret = None if best is None else rolled.regret(best)
        gain = None if first is None else first.difference(rolled)
        found[name] = Simulated(rolled, world.value(policy), rolled.mean_return(), rolled.mean_length(), regret, gain)
        first = first or rolled
    return found


def simulation_table(found: Mapping[str, Simulated], policies: Mapping[str, Policy], world: World) -> Table:
    """Return a simulation as a table."""
    first = next(iter(found))
    heads: list[str | Column] = [
        "policy",
        *(Column(name, "right") for name in ("return", "exact", "length", "regret", f"{first} gains")),
    ]
    rows: list[list[str | TableCell]] = []
    for name, one in found.items():
        cells = [_cell(effect) for effect in (one.returns, one.length, one.regret, one.gain)]
        rows.append([name, cells[0], number(one.exact, 3), *cells[1:]])
    return Table("", heads, rows, [*world_notes(found, world), *_unknown(policies, world)])


def world_notes(found: Mapping[str, Simulated], world: World) -> list[str]:
    """Return what stands beside every return: the discount, the best return, sessions cut off, and the world's own error."""
    one = next(iter(found.values()))
    n = len(one.rolled.lengths)
    notes = [
        f"return discounted by {world.gamma:g}; 95 % intervals over {n:,} sessions, whose chances are the same for every policy"
    ]
    if (best := world.best_value()) is not None:
        notes.append(f"regret is what lies between the return and {best:.3f}, the best mean return that any policy can have here")
    cut = {name: simulated.rolled.truncated.mean() for name, simulated in found.items()}
    if any(cut.values()):
        shares = ", ".join(f"{percent(share)} of {name}" for name, share in cut.items() if share)
        notes.append(f"sessions cut off after {world.bound} items: {shares}")
    return notes + list(world.error)


def _unknown(policies: Mapping[str, Policy], world: World) -> list[str]:
    n = world.vocabulary.n_items
    models = {name: policy for name, policy in policies.items() if isinstance(policy, ModelPolicy)}
    notes = [
        f"{name} does not know {one.n_unknown:,} of the world's {n:,} items: it never shows them, and its histories lack them"
        for name, one in models.items()
        if one.n_unknown
    ]
    return notes + [
        f"{name} knows {more:,} items that the world has not; they are never shown"
        for name, one in models.items()
        if (more := one.model.card.vocabulary.n_items - n + one.n_unknown)
    ]


def _cell(effect: Effect | None) -> TableCell:
    if effect is None:
        return TableCell("–")
    return TableCell(number(effect.value, 3), span(effect.low, effect.high), value=effect.value, low=effect.low, high=effect.high)
