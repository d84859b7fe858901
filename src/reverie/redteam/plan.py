"""What attacks will cost: writings and seconds of a call, before anything is asked; and roles that one model plays."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from reverie.redteam.attackers.campaign import Campaign
from reverie.redteam.attackers.config import WritesConfig
from reverie.redteam.attackers.shelf import NamedAttacker
from reverie.redteam.messages import Message
from reverie.redteam.roles import Brief, ChatModel, Target


@dataclass(frozen=True)
class Speed:
    """Seconds of one call and of one writing, among several that are answered together."""

    call: float
    writing: float = 0.0


def most_writings(attacker: NamedAttacker, brief: Brief) -> int:
    """Return how often a technique may ask its writer; those of other packages that do not say are taken to write once a call."""
    options = attacker.options(brief)
    if not attacker.writes:
        return 0
    each = options.writings if isinstance(options, WritesConfig) else 1
    return each * brief.calls * len(brief.goals)


def measure_speed(target: Target, brief: Brief, writer: ChatModel | None = None, n: int = 8) -> Speed:
    """Measure the speed on `n` bare requests, answered together; they are not logged and spend no budget.

    A first request warms caches up and is not measured; the others have seeds of their own, as a local model remembers its
    answers. Messages that attackers write are longer than these, so that true times are, too.
    """
    campaigns = [Campaign(brief, brief.goals[number % len(brief.goals)]) for number in range(n + 1)]
    goals = {goal.id: goal for goal in brief.goals}
    tries = [campaign.attempt(goals[campaign.goal.id].request, "null") for campaign in campaigns]
    target.respond(tries[:1])
    start = time.perf_counter()
    target.respond(tries[1:])
    call = (time.perf_counter() - start) / n
    if writer is None:
        return Speed(call)
    asked = [(Message("user", f"Say the following in other words. {tried.goal.request}"),) for tried in tries]
    writer.replies(asked[:1], [0])
    start = time.perf_counter()
    writer.replies(asked[1:], list(range(1, n + 1)))
    return Speed(call, (time.perf_counter() - start) / n)


def shared_models(roles: Mapping[str, str]) -> list[str]:
    """Return a warning for each two roles that one model plays: it then judges, attacks or defends itself.

    Parameters
    ----------
    roles : mapping
        Role, such as ``attacker``, to the name of its model; an empty name is no model.

    Examples
    --------
    >>> shared_models({"attacker": "smollm2-135m", "target": "smollm2-135m", "judge": ""})
    ["attacker and target are the same model, 'smollm2-135m'; what it finds about itself may not hold for others"]
    """
    names = [(role, name) for role, name in roles.items() if name]
    return [
        f"{one} and {other} are the same model, '{name}'; what it finds about itself may not hold for others"
        for at, (one, name) in enumerate(names)
        for other, second in names[at + 1 :]
        if name == second
    ]
