"""Attempts: what an attacker said to a target, what came back, and what the detector found."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.redteam.goals import Goal
from reverie.redteam.messages import Conversation


@dataclass(frozen=True)
class Try:
    """One call of a target.

    Parameters
    ----------
    goal : Goal
        What is tried.
    turns : Conversation
        Messages after the system prompt, the user's last. A target that holds no conversation takes the last text: CoLLM plants it
        in the title of the goal's item, RecInterpreter reads titles of events from it, one a line.
    technique : str
        How it was made, such as ``sap`` or ``mutate.base64``.
    parents : tuple of str
        Ids of the attempts or of the hand-written cases that it was made from.
    explanation : str
        Why it should work, in the words of who wrote it.
    seed : int
        Of the target's sampling.
    """

    goal: Goal
    turns: Conversation
    technique: str
    parents: tuple[str, ...] = ()
    explanation: str = ""
    seed: int = 0

    @property
    def text(self) -> str:
        """The last message of the user."""
        return self.turns[-1].text


@dataclass(frozen=True)
class Response:
    """What a target answered.

    Parameters
    ----------
    text : str
        Its words; of a recommender, its list as it wrote it.
    ranking : tuple of str
        External ids of the recommended items, best first; empty for other targets and where nothing could be parsed.
    unknown : tuple of str
        What it named that is not in the catalogue.
    n_tokens : int
        Tokens of the answer, 0 where unknown.
    failure : str
        Why there is no answer that can be judged: of the model (``timeout`` …), or ``parse`` where a list was asked for and none
        was found. Counted apart, neither as success nor as withstood.
    blocked : str
        Name of the guard that answered in the target's place.
    """

    text: str
    ranking: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    n_tokens: int = 0
    failure: str = ""
    blocked: str = ""


@dataclass(frozen=True)
class Finding:
    """What a detector found in a response.

    Parameters
    ----------
    success : bool
        Whether the attack got through.
    score : float
        How near it came, in [0, 1]; 1 where it got through.
    notes : tuple of str
        How it was found (``base64``, ``reversed`` …), and ``echo`` where the secret stood in the attack itself.
    """

    success: bool
    score: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """A try with its outcome; `id` is a digest of what was tried, by whom and as which call of the goal."""

    id: str
    tried: Try
    response: Response
    finding: Finding
    call: int
    """Number of the target call within the goal, from 0."""
