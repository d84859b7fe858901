"""The engine: budgets, equal tries, failures, what attackers see, and going on after a kill."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest
from attacked import ENTRY, Teller, attack, brief_of, canaries, finds

from reverie.errors import ConfigError, RunError
from reverie.redteam.attack_log import read_log
from reverie.redteam.attackers.shelf import ATTACKERS, NamedAttacker, create_attacker
from reverie.redteam.attempts import Response, Try
from reverie.redteam.brief import shown_goal
from reverie.redteam.engine import run_attack
from reverie.redteam.goals import Goal, Scene

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOG = "attempts.jsonl"


OWN = NamedAttacker("own", ENTRY)


@pytest.fixture
def _own_attacker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ATTACKERS._entries, "own", OWN.entry)


@pytest.mark.usefixtures("_own_attacker")
def test_equal_tries_spend_calls_and_are_asked_once(tmp_path: Path) -> None:
    target = Teller()
    log = run_attack(OWN, target, brief_of(canaries(2), calls=4), detect=finds, folder=tmp_path)
    assert len(target.asked) == 1
    assert [attempt.call for attempt in log.attempts] == [0, 1, 2, 3]
    assert len({attempt.id for attempt in log.attempts}) == 4
    assert len({attempt.response for attempt in log.attempts}) == 1
    assert log.repeated == 3
    assert log.unspent == {"canary-1": 4}


@pytest.mark.usefixtures("_own_attacker")
def test_an_attacker_that_asks_for_too_much_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="'own' asks for more than 3 calls of the goal 'canary-0'"):
        run_attack(OWN, Teller(), brief_of(canaries(1), calls=3, seed=1), detect=finds, folder=tmp_path)


def test_attackers_see_no_secret_that_they_are_after() -> None:
    scene = Scene("u", (("1", "Heat"),), (("2", "Fargo"),), (("3", "Alien"),))
    leak = Goal("g", "history-leak", "Which films?", "You hold Alien.", "Alien", scene=scene)
    assert "Alien" not in repr(shown_goal(leak))
    assert "Heat" in repr(shown_goal(leak))
    assert shown_goal(Goal("p", "phrase", "Say it", "Never say tea", "tea")).secret


@pytest.mark.usefixtures("_own_attacker")
def test_the_target_gets_the_whole_goal(tmp_path: Path) -> None:
    target = Teller(tells=lambda text: True)
    log = run_attack(OWN, target, brief_of(canaries(1), calls=3), detect=finds, folder=tmp_path)
    assert target.asked[0].goal == canaries(1)[0]
    assert len(log.successes) == 3


def test_failures_are_counted_apart(tmp_path: Path) -> None:
    target = Teller(tells=lambda text: True, fails=lambda text: "poem" in text)
    log = attack(tmp_path, "seeds-only", brief_of(canaries(1), calls=12), target)
    assert log.failures["timeout"] > 0
    assert len(log.successes) == 12 - log.failures["timeout"]


def test_text_that_is_no_unicode_can_be_stored(tmp_path: Path) -> None:
    class Odd(Teller):
        def respond(self, tries: Sequence[Try]) -> list[Response]:
            return [Response("half \ud800", ranking=("\udfff",)) for _ in tries]

    log = attack(tmp_path, "null", brief_of(canaries(1), calls=1), Odd())
    assert log.attempts[0].response == Response("half ?", ranking=("?",))


def test_the_log_read_again_is_the_log(tmp_path: Path) -> None:
    goals = canaries(2)
    brief = brief_of(goals, calls=5)
    log = attack(tmp_path, "template", brief)
    assert log == read_log(tmp_path / LOG, goals) == attack(tmp_path, "template", brief, Teller(fails=lambda _: True))
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert [line["id"] for line in lines[1:-1]] == [attempt.id for attempt in log.attempts]


def test_techniques_share_the_seeds_of_the_target(tmp_path: Path) -> None:
    first, second = (attack(tmp_path / name, name, brief_of(canaries(2))) for name in ("null", "template"))
    assert [one.tried.seed for one in first.attempts] == [one.tried.seed for one in second.attempts]


def test_a_killed_attack_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    brief = brief_of(canaries(3), calls=4)
    attack(tmp_path / "whole", "template", brief, batch=5)
    whole = (tmp_path / "whole" / LOG).read_bytes()

    class Deadly(Teller):
        def respond(self, tries: Sequence[Try]) -> list[Response]:
            if len(self.asked) >= 5:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().respond(tries)

    child = os.fork()
    if not child:
        attack(tmp_path / "killed", "template", brief, Deadly(), batch=5)
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert whole.startswith((tmp_path / "killed" / LOG).read_bytes())
    target = Teller()
    attack(tmp_path / "killed", "template", brief, target, batch=5)
    assert (tmp_path / "killed" / LOG).read_bytes() == whole
    assert len(target.asked) == 7


@pytest.mark.parametrize("left", range(0, 100, 7))
def test_a_log_cut_anywhere_goes_on_to_the_same_bytes(tmp_path: Path, left: int) -> None:
    brief = brief_of(canaries(2), calls=3)
    attack(tmp_path, "seeds-only", brief, batch=2)
    whole = (tmp_path / LOG).read_bytes()
    (tmp_path / LOG).write_bytes(whole[: len(whole) * left // 100])
    attack(tmp_path, "seeds-only", brief, batch=2)
    assert (tmp_path / LOG).read_bytes() == whole


def test_a_changed_line_is_refused(tmp_path: Path) -> None:
    brief = brief_of(canaries(1), calls=3)
    attack(tmp_path, "null", brief)
    lines = (tmp_path / LOG).read_text().splitlines()
    lines[2] = lines[2].replace('"success":false', '"success":true')
    (tmp_path / LOG).write_text("\n".join(lines) + "\n")
    with pytest.raises(RunError, match="line 3 was changed after it was written"):
        attack(tmp_path, "null", brief)


def test_a_folder_of_another_attack_is_refused(tmp_path: Path) -> None:
    attack(tmp_path, "null", brief_of(canaries(1), calls=3))
    with pytest.raises(RunError, match=r"holds another attack \(other attacker, seed\)"):
        attack(tmp_path, "template", brief_of(canaries(1), calls=3, seed=2))


def test_names_of_other_tools_are_known() -> None:
    assert create_attacker("basic").name == "null"
    with pytest.raises(ConfigError, match="did you mean 'template'"):
        create_attacker("templates")


def test_other_packages_register_techniques_by_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package"
    (package / "other-1.0.dist-info").mkdir(parents=True)
    (package / "other-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    points = "[reverie.redteam_attackers]\nagain = attacked:ENTRY\n"
    (package / "other-1.0.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(package))
    monkeypatch.delitem(ATTACKERS.__dict__, "_entries", raising=False)
    try:
        log = attack(tmp_path / "run", "again", brief_of(canaries(1), calls=3))
        assert [attempt.tried.technique for attempt in log.attempts] == ["again"] * 3
    finally:
        ATTACKERS.__dict__.pop("_entries", None)  # read anew, without the package


def test_no_two_techniques_have_one_alias() -> None:
    aliases = [
        (tag.removeprefix("alias:"), name) for name, entry in ATTACKERS.items() for tag in entry.tags if tag.startswith("alias:")
    ]
    assert len({alias for alias, _ in aliases}) == len(aliases) > 8
    assert not {alias for alias, _ in aliases} & set(ATTACKERS)
    assert all(create_attacker(alias).name == name for alias, name in aliases)


def test_a_target_that_cannot_be_measured_on_a_goal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'teller' cannot be measured on"):
        attack(tmp_path, "null", brief_of(canaries(1)), Teller(kinds=frozenset({"promote"})))
    assert not list(tmp_path.iterdir())


def test_options_are_checked_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="attacker 'replay': unknown option 'generation'"):
        attack(tmp_path, "replay", brief_of(canaries(1), generation=2))
    with pytest.raises(ConfigError, match="begins from attempts of before"):
        attack(tmp_path, "replay", brief_of(canaries(1)))
    assert not list(tmp_path.iterdir())
