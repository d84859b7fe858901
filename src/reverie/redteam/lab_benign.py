"""A defended target on benign prompts, and on its own task."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from reverie.redteam.benign import benign_tries, prompts_for
from reverie.redteam.cells import Benign
from reverie.redteam.detectors.refusal import is_refusal
from reverie.redteam.goals import Goal
from reverie.redteam.recipe import RedTeamRecipe
from reverie.redteam.roles import Target
from reverie.seeds import numpy_generator
from reverie.study.environment import commit

VERSION = 1
"""Of benign prompts and of the measurement of utility."""


def benign_facts(goals: Sequence[Goal], recipe: RedTeamRecipe) -> dict[str, Any]:
    """Return everything that the measurement depends on but the target and the seed."""
    from dataclasses import asdict

    from reverie.redteam.goals import goals_digest

    prompts = [asdict(prompt) for prompt in prompts_for(frozenset(goal.kind for goal in goals), "evaluation")]
    return {
        "prompts": prompts,
        "goals": goals_digest(tuple(goals)),
        "n": recipe.benign,
        "utility": recipe.utility,
        "version": VERSION,
    }


def measure_benign(target: Target, goals: Sequence[Goal], recipe: RedTeamRecipe, seed: int) -> Benign:
    """Ask benign prompts under the goals' own system prompts or scenes, and count refusals.

    Contrast prompts only look like an attack. Which prompts are asked is the same for every defence at one seed.
    """
    begin = time.monotonic()
    prompts = prompts_for(frozenset(goal.kind for goal in goals), "evaluation")
    order = numpy_generator(seed, "benign prompts").permutation(len(prompts))[: recipe.benign]
    tries = benign_tries([prompts[at] for at in sorted(order.tolist())], goals, seed)
    responses = target.respond(tries) if tries else []
    refused = tuple(bool(one.blocked) or is_refusal(one.text) for one in responses)
    return Benign(refused, {}, {}, time.monotonic() - begin, commit())
