"""The engine of attacks: answers the steps of an attacker in batches, keeps count of calls, and goes on after it was killed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from reverie.errors import RunError
from reverie.files import json_digest, locked
from reverie.redteam.attack_log import (
    AttackLog,
    attempt_id,
    attempt_line,
    attempt_of,
    clean_response,
    read_log,
    reply_of,
    well_formed,
    write_id,
    write_line,
)  # fmt: skip
from reverie.redteam.attackers.campaign import Enough
from reverie.redteam.attackers.shelf import NamedAttacker
from reverie.redteam.attempts import Attempt, Finding, Response, Try
from reverie.redteam.brief import brief_facts, shown_attempt, shown_brief
from reverie.redteam.detectors.lookup import detect as detect_by_kind
from reverie.redteam.detectors.lookup import is_judged
from reverie.redteam.journal import Journal, Line, append_line, canonical
from reverie.redteam.messages import Reply
from reverie.redteam.quota import Quota
from reverie.redteam.roles import Answers, Brief, ChatModel, Detector, Step, Target, Write
from reverie.redteam.targets.possible import check_possible

LOG, TIMINGS = "attempts.jsonl", "timings.jsonl"
VERSION = 5
"""Of what an attack does; raised when the same brief comes to mean something else."""


def run_attack(
    attacker: NamedAttacker,
    target: Target,
    brief: Brief,
    *,
    folder: Path,
    writer: ChatModel | None = None,
    detect: Detector = detect_by_kind,
    quota: Quota | None = None,
    facts: Mapping[str, Any] | None = None,
    batch: int = 64,
    tell: Callable[[str], None] = lambda said: None,
) -> AttackLog:
    """Attack a target, or go on with an attack that was interrupted, to the same log.

    Parameters
    ----------
    attacker : NamedAttacker
        A technique. It sees goals without their secrets and system prompts.
    target : Target
        What is attacked, with its guards around it.
    brief : Brief
        Goals, cases, calls for each goal, and seed.
    folder : Path
        Holds ``attempts.jsonl``, a function of the arguments and of what the models answer, and ``timings.jsonl``, which is not.
    writer : ChatModel, optional
        The attacker's own model.
    detect : Detector, optional
        Judges responses, by the detector of each kind where it is not given; those that failed are not judged and never count as
        success.
    quota : Quota, optional
        Ends the attack as soon as so many texts got through.
    facts : mapping, optional
        Plain values that identify the attack beyond names and brief, such as how models sample; a log of others is refused.
    batch : int
        Wishes of a step that are answered together and then logged; a killed attack loses at most these.
    tell : callable
        Is told of progress.

    Returns
    -------
    AttackLog
        All attempts, and what of the writings was of no use.

    Raises
    ------
    ConfigError
        If the attacker writes and has no model, or does not know an option, or the target cannot be measured on a goal.
    RunError
        If the folder holds another attack, or the attacker asks for more calls than it has.
    """
    attacker.check(brief, writer)
    check_possible(target, brief.goals)
    names = {"attacker": attacker.name, "target": target.name, "writer": writer.name if writer and attacker.writes else ""}
    header = {"version": VERSION, "batch": batch} | names | brief_facts(brief) | {"facts": dict(facts or {})}
    header |= {} if quota is None else {"quota": quota.facts}
    with locked(folder, inside=True):
        journal = Journal(folder / LOG, header)
        if journal.end is None:
            _Engine(attacker, target, brief, detect, writer, journal, quota, batch, tell).run()
    return read_log(folder / LOG, brief.goals)


@dataclass(frozen=True)
class _Call:
    """A try that was charged: with its whole goal, its number within the goal, and a digest that equal tries share."""

    tried: Try
    number: int
    same: str


class _Engine:
    """Answers the steps of one attack."""

    def __init__(
        self, attacker: NamedAttacker, target: Target, brief: Brief, detect: Detector, writer: ChatModel | None, journal: Journal,
        quota: Quota | None, batch: int, tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.attacker, self.target, self.brief, self.detect, self.writer = attacker, target, brief, detect, writer
        self.journal, self.quota, self.batch, self.tell = journal, quota, batch, tell
        self.goals = {goal.id: goal for goal in brief.goals}
        self.calls, self.hits = Counter[str](), list[Attempt]()
        self.known: dict[str, Attempt] = {}
        """First attempt of each equal try."""

    def run(self) -> None:
        """Let the attacker go on to its end, or until its quota is filled."""
        steps, number, tally = self.attacker(shown_brief(self.brief)), 0, dict[str, Any]()
        try:
            step = next(steps)
            while True:
                answers: list[Reply | Attempt] = []
                for at in range(0, len(step), self.batch):
                    answers += self._answer(step[at : at + self.batch], number)
                    if self.quota and len(self.quota.choose(self.hits)) == self.quota.wanted:
                        steps.throw(Enough())
                step, number = steps.send(answers), number + 1
        except StopIteration as ended:
            tally = {goal: dict(reasons) for goal, reasons in (ended.value or {}).items()}
        except Enough:  # an attacker of another package, which does not know it
            pass
        unspent = {goal: left for goal in self.goals if (left := self.brief.calls - self.calls[goal])}
        self.journal.add([{"kind": "end", "unusable": tally, "unspent": unspent}])

    def _answer(self, piece: Step, step: int) -> Answers:
        """Answer one piece of a step, from the log of before where it reaches so far."""
        wishes = [wish if isinstance(wish, Write) else self._charged(wish) for wish in piece]
        stored = self.journal.take(len(piece))
        if stored is None:
            found = self._ask(wishes)
            lines = [self._line(wish, one) for wish, one in zip(wishes, found, strict=True)]
            self.journal.add([line | {"step": step, "last": place == len(lines)} for place, line in enumerate(lines, 1)])
        else:
            found = [self._recalled(wish, line) for wish, line in zip(wishes, stored, strict=True)]
        self.hits += [one for one in found if isinstance(one, Attempt) and one.finding.success]
        if stored is None:
            self.tell(
                f"{self.attacker.name}: {sum(self.calls.values()):,} calls of {self.target.name}, {len(self.hits):,} got through"
            )
        return [shown_attempt(one) if isinstance(one, Attempt) else one for one in found]

    def _charged(self, tried: Try) -> _Call:
        """Count one call of the target, and give the try its whole goal."""
        goal, name = self.goals.get(tried.goal.id), tried.goal.id
        if goal is None or self.calls[name] == self.brief.calls:
            what = f"more than {self.brief.calls} calls of the goal '{name}'" if goal else f"a call of '{name}', which is no goal"
            raise RunError(f"the attacker '{self.attacker.name}' asks for {what}; report it to whoever wrote that attacker")
        number = self.calls[name]
        self.calls[name] += 1
        same = json_digest({"goal": name, "turns": [[turn.role, turn.text] for turn in tried.turns], "seed": tried.seed})
        return _Call(replace(tried, goal=goal), number, same)

    def _ask(self, wishes: Sequence[Write | _Call]) -> list[Reply | Attempt]:
        """Let the models answer, each all that it is asked at once."""
        writes = [wish for wish in wishes if isinstance(wish, Write)]
        calls = [wish for wish in wishes if isinstance(wish, _Call)]
        new = {call.same: call.tried for call in reversed(calls) if call.same not in self.known}
        start = time.perf_counter()
        written = iter(self._write(writes))
        middle = time.perf_counter()
        responses = dict(zip(new, self.target.respond(list(new.values())) if new else [], strict=True))
        spent = {"writer": round(middle - start, 6), "target": round(time.perf_counter() - middle, 6)}
        timing = {"writings": len(writes), "tries": len(new), "seconds": spent}
        append_line(self.journal.path.with_name(TIMINGS), f"{canonical(timing)}\n".encode())
        return [next(written) if isinstance(wish, Write) else self._attempt(wish, responses) for wish in wishes]

    def _write(self, writes: Sequence[Write]) -> list[Reply]:
        if not writes:
            return []
        if self.writer is None:
            raise RunError(f"the attacker '{self.attacker.name}' writes although it says that it does not; give it a model")
        until, *others = dict.fromkeys(wish.until for wish in writes)
        replies = self.writer.replies([wish.messages for wish in writes], [wish.seed for wish in writes], "" if others else until)
        return [replace(reply, text=well_formed(reply.text), failure=well_formed(reply.failure)) for reply in replies]

    def _attempt(self, call: _Call, responses: Mapping[str, Response]) -> Attempt:
        """Judge the response to a call, or take what an equal one before had."""
        name = attempt_id(self.attacker.name, call.tried, call.number)
        if before := self.known.get(call.same):
            return replace(before, id=name, tried=call.tried, call=call.number)
        response = clean_response(responses[call.same])
        judged = is_judged(call.tried.goal.kind, response)
        finding = self.detect(call.tried, response) if judged else Finding(False, 0.0, (response.failure,))
        return self._known(call, Attempt(name, call.tried, response, finding, call.number))

    def _known(self, call: _Call, attempt: Attempt) -> Attempt:
        self.known.setdefault(call.same, attempt)
        return attempt

    def _line(self, wish: Write | _Call, found: Reply | Attempt) -> Line:
        if isinstance(found, Reply):
            return write_line(cast("Write", wish), found)
        first = self.known[cast("_Call", wish).same]
        return attempt_line(found, "" if first.id == found.id else first.id)

    def _recalled(self, wish: Write | _Call, line: Line) -> Reply | Attempt:
        """Return what the log of before holds for a wish."""
        writes = isinstance(wish, Write)
        asked = write_id(wish) if isinstance(wish, Write) else attempt_id(self.attacker.name, wish.tried, wish.number)
        if line["kind"] != ("write" if writes else "attempt") or line["id"] != asked:
            raise RunError(
                f"{self.journal.path} was begun by another version of the attacker '{self.attacker.name}'; delete it and run again"
            )
        return reply_of(line) if isinstance(wish, Write) else self._known(wish, attempt_of(line, wish.tried.goal))
