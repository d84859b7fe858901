"""What came of an attack: its attempts as objects and as lines of a log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

from reverie.documents import regular
from reverie.errors import RunError
from reverie.files import json_digest, sha256
from reverie.redteam.attempts import Attempt, Finding, Response, Try
from reverie.redteam.detectors.lookup import is_judged
from reverie.redteam.goals import Goal
from reverie.redteam.journal import Line, read_lines
from reverie.redteam.messages import Message, Reply
from reverie.redteam.roles import Tally, Write


@dataclass(frozen=True)
class AttackLog:
    """What came of an attack.

    Parameters
    ----------
    attacker, target, writer : str
        Names; of the attacker's own model, empty where it had none.
    attempts : tuple of Attempt
        In the order of calls, failures among them.
    writings : int
        Calls of the attacker's own model.
    unusable : mapping
        Goal id → reason → number of writings that were of no use.
    unspent : mapping
        Goal id → calls that were left when the attacker had nothing more to try.
    repeated : int
        Attempts that equal one before in goal, text and seed; each spent a call, and was answered from memory.
    finished : bool
        Whether the attack came to its end.
    sha256 : str
        Of the log's bytes.
    """

    attacker: str
    target: str
    writer: str
    attempts: tuple[Attempt, ...]
    writings: int
    unusable: Tally
    unspent: Mapping[str, int]
    repeated: int
    finished: bool
    sha256: str

    @cached_property
    def successes(self) -> tuple[Attempt, ...]:
        """Attempts that got through."""
        return tuple(attempt for attempt in self.attempts if attempt.finding.success)

    @cached_property
    def failures(self) -> Mapping[str, int]:
        """Attempts without an answer that can be judged, by reason."""
        failed = [one.response.failure for one in self.attempts if not is_judged(one.tried.goal.kind, one.response)]
        return Counter(failed)

    @cached_property
    def n_unusable(self) -> int:
        """Writings that were of no use."""
        return sum(sum(reasons.values()) for reasons in self.unusable.values())


def read_log(path: Path, goals: Sequence[Goal]) -> AttackLog:
    """Read the log of an attack on these goals, finished or not."""
    lines, _ = read_lines(regular(path))
    if not lines:
        raise RunError(f"{path} holds no attack; run the attack again")
    header, known = lines[0], {goal.id: goal for goal in goals}
    end = lines[-1] if lines[-1]["kind"] == "end" else {"unusable": {}, "unspent": {}}
    tried = [line for line in lines if line["kind"] == "attempt"]
    if other := next((line["goal"] for line in tried if line["goal"] not in known), None):
        raise RunError(f"{path} holds attempts at the goal '{other}', which is not given; give the goals of that attack")
    return AttackLog(
        header["attacker"], header["target"], header["writer"], tuple(attempt_of(line, known[line["goal"]]) for line in tried),
        sum(line["kind"] == "write" for line in lines), end["unusable"], end["unspent"],
        sum(bool(line["repeats"]) for line in tried), lines[-1]["kind"] == "end", sha256(path),
    )  # fmt: skip


def attempt_id(attacker: str, tried: Try, call: int) -> str:
    """Return the digest of what was tried, by whom and as which call of its goal."""
    facts = asdict(tried) | {"goal": tried.goal.id, "attacker": attacker, "call": call}
    return json_digest(facts)[:16]


def attempt_line(attempt: Attempt, repeats: str = "") -> Line:
    """Return the line of an attempt; `repeats` is the id of the equal one before."""
    tried = attempt.tried
    return {
        "kind": "attempt", "id": attempt.id, "goal": tried.goal.id, "call": attempt.call, "technique": tried.technique,
        "turns": [[turn.role, turn.text] for turn in tried.turns], "parents": list(tried.parents), "explanation": tried.explanation,
        "seed": tried.seed, "response": asdict(attempt.response), "finding": asdict(attempt.finding), "repeats": repeats,
    }  # fmt: skip


def attempt_of(line: Line, goal: Goal) -> Attempt:
    """Return the attempt of a line."""
    turns = tuple(Message(role, text) for role, text in line["turns"])
    tried = Try(goal, turns, line["technique"], tuple(line["parents"]), line["explanation"], line["seed"])
    response, finding = line["response"], line["finding"]
    response = Response(**response | {"ranking": tuple(response["ranking"]), "unknown": tuple(response["unknown"])})
    return Attempt(line["id"], tried, response, Finding(**finding | {"notes": tuple(finding["notes"])}), line["call"])


def write_id(wish: Write) -> str:
    """Return the digest of what the attacker's model was asked."""
    return json_digest(asdict(wish))[:16]


def write_line(wish: Write, reply: Reply) -> Line:
    """Return the line of a writing."""
    return {"kind": "write", "id": write_id(wish)} | asdict(reply)


def reply_of(line: Line) -> Reply:
    """Return the reply of a line."""
    return Reply(line["text"], line["n_tokens"], line["failure"], line["cut"])


def well_formed(text: str) -> str:
    """Return a text whose lone surrogates, which are no characters, are replaced."""
    return text.encode("utf-8", "replace").decode()


def clean_response(response: Response) -> Response:
    """Return a response whose texts can be stored."""
    ranking, unknown = (tuple(map(well_formed, names)) for names in (response.ranking, response.unknown))
    return replace(
        response, text=well_formed(response.text), ranking=ranking, unknown=unknown, failure=well_formed(response.failure)
    )
