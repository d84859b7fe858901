"""Whether a judge is fit to judge: pairs of a concept and its gloss that it must get right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reverie.evaluation.effects import Effect
from reverie.imagery.judging.closed_lists import Distractors, closed_lists
from reverie.imagery.judging.guesses import guess
from reverie.imagery.measures import measured
from reverie.imagery.roles import TextJudge


@dataclass(frozen=True)
class JudgeCheck:
    """How often a judge finds the concept that a gloss is of.

    Parameters
    ----------
    accuracy : Effect
        Share of glosses whose concept stands first.
    chance : float
        That of somebody who does not look.
    wrong : mapping of str to str
        The word that the judge preferred, for each concept that it did not put first.
    """

    accuracy: Effect
    chance: float
    wrong: Mapping[str, str]

    @property
    def fit(self) -> bool:
        """Whether the judge is better than chance by the interval."""
        return self.accuracy.low is not None and self.accuracy.low > self.chance

    def __str__(self) -> str:
        low, high = self.accuracy.ends
        return f"{self.accuracy.value:.1%} [{low:.1%}, {high:.1%}] of {self.accuracy.n} glosses, chance {self.chance:.1%}"


def check_judge(
    judge: TextJudge, glosses: Mapping[str, str], paths: Mapping[str, Sequence[str]], k: int, distractors: Distractors, seed: int
) -> JudgeCheck:
    """Ask a judge which of k concepts each gloss defines.

    Parameters
    ----------
    judge : TextJudge
    glosses : mapping of str to str
        Definition of each concept, the concept's own word masked in it.
    paths, k, distractors, seed
        As of `closed_lists`.

    Returns
    -------
    JudgeCheck
    """
    concepts = sorted(glosses)
    lists = closed_lists(concepts, paths, k, distractors, seed)
    found = guess(judge, [glosses[one] for one in concepts], [lists[one] for one in concepts])
    right = dict(zip(concepts, found.top(1).tolist(), strict=True))
    accuracy = measured([right])
    if accuracy is None:
        raise ValueError("glosses: there is none")
    wrong = {one: said for one, said in zip(concepts, found.first, strict=True) if right[one] == 0}
    return JudgeCheck(accuracy, 1 / k, wrong)
