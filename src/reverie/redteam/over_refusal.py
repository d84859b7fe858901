"""Over-refusal: how often a target refuses benign requests that no defence has learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reverie.errors import ConfigError
from reverie.redteam.benign import BenignPrompt, benign_prompts, benign_tries, prompts_for
from reverie.redteam.detectors.refusal import is_refusal
from reverie.redteam.goals import Goal
from reverie.redteam.rates import Rate, wilson_rate
from reverie.redteam.roles import Target
from reverie.seeds import numpy_generator


@dataclass(frozen=True)
class OverRefusal:
    """What became of benign requests.

    Parameters
    ----------
    refused : mapping
        Whether each request was refused, by its id, in the order of asking; None for those that were not answered.
    """

    refused: Mapping[str, bool | None]

    @property
    def failures(self) -> tuple[str, ...]:
        """Ids of the requests that were not answered."""
        return tuple(name for name, flag in self.refused.items() if flag is None)

    def rate(self, contrast: bool | None = None) -> Rate:
        """Return the share that was refused of all requests, of the contrast requests, or of the everyday ones."""
        is_contrast = {prompt.id: prompt.is_contrast for prompt in benign_prompts("evaluation")}
        flags = [flag for name, flag in self.refused.items() if contrast is None or is_contrast[name] is contrast]
        answered = [flag for flag in flags if flag is not None]
        return wilson_rate(sum(answered), len(answered), len(flags) - len(answered))


def sampled_prompts(prompts: Sequence[BenignPrompt], n: int | None, seed: int) -> list[BenignPrompt]:
    """Draw requests, as many contrast requests as everyday ones as far as there are, in the order of their file."""
    check_size(prompts, n or 0)
    if n is None or n == len(prompts):
        return list(prompts)
    drawn: list[BenignPrompt] = []
    sides = [[prompt for prompt in prompts if prompt.is_contrast is flag] for flag in (False, True)]
    half = min(len(sides[0]), max(n // 2, n - len(sides[1])))
    for side, count in zip(sides, (half, n - half), strict=True):
        order = numpy_generator(seed, "benign requests", len(drawn)).permutation(len(side))
        drawn += [side[at] for at in sorted(order[:count])]
    return drawn


def check_size(prompts: Sequence[BenignPrompt], n: int) -> None:
    """Refuse to ask more benign requests than there are."""
    if n > len(prompts):
        raise ConfigError(f"{n} benign requests are asked for, and there are {len(prompts)} for such a target; ask for fewer")


def over_refusal(target: Target, goals: Sequence[Goal], *, n: int | None = None, seed: int = 0) -> OverRefusal:
    """Ask a target benign requests and count refusals.

    Parameters
    ----------
    target : Target
        With its guard, where there is one.
    goals : sequence of Goal
        Their system prompts and scenes stand around the requests.
    n : int, optional
        Requests that are asked; all that make sense to the target by default.
    seed : int
        Of which requests, which goal stands around each, and the target's sampling.

    Returns
    -------
    OverRefusal
    """
    prompts = sampled_prompts(prompts_for(target.kinds, "evaluation"), n, seed)
    answers = target.respond(benign_tries(prompts, goals, seed))
    pairs = zip(prompts, answers, strict=True)
    return OverRefusal({prompt.id: None if answer.failure else is_refusal(answer.text) for prompt, answer in pairs})
