"""`reverie redteam` as a person types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

Ask = Callable[..., Any]
SMALL = """name: mine
targets: {leaky: {kind: control, behaviour: always-pass}, closed: {kind: control, behaviour: always-fail}}
goals: {n: 3, kinds: [canary, phrase, prompt-leak]}
techniques: {"null": {kind: "null"}, seeds-only: {kind: seeds-only, held_out: true}}
calls: 2
defences: {always-refuse: {kind: always-refuse}}
benign: 4
seeds: 2
claims:
  - {first: all@always-refuse, other: all, why: does refusing help?, metrics: [success, over_refusal]}
smoke: {seeds: 1}
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def test_exit_codes_say_whether_something_got_through(ask: Ask, mine: Path) -> None:
    found = ask("redteam", "run", mine, "--out", "one")
    assert found.code == 1
    assert "leaky: null reached 100.0" in found.out
    assert "closed: nothing got through in" in found.out
    assert "at most 8 attacks with 48 calls of targets" in found.err
    assert Path("one/report.html").exists()
    targets = "targets={closed: {kind: control, behaviour: always-fail}}"
    assert ask("redteam", "run", mine, "--set", targets, "--out", "two", "--quiet").code == 0
    assert ask("redteam", "run", mine, "--out", "one", "--fail-above", "1").code == 0


def test_hardening_goes_on_from_a_run_and_is_told(ask: Ask, mine: Path, tmp_path: Path) -> None:
    assert ask("redteam", "run", mine, "--out", "one", "--results", "redteam.csv", "--quiet").code == 1
    found = ask("redteam", "harden", mine, "--out", "one", "--results", "redteam.csv", "--json")
    assert found.code == 1  # always-refuse is no defence that counts
    told = json.loads(found.out)
    assert told["targets"]["leaky"]["success"]["always-refuse"]["null"]["value"] == 0.0
    rows = (tmp_path / "redteam.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == len(set(rows))
    again = ask("redteam", "report", "one", "--detail", "limited")
    assert again.code == 1
    assert "leaky: before and after" in again.out
    assert "always-refuse" in again.out


def test_two_runs_are_compared_for_a_check_that_runs_again(ask: Ask, mine: Path) -> None:
    for name, behaviour in (("monday", "always-fail"), ("friday", "always-pass")):
        targets = f"targets={{it: {{kind: control, behaviour: {behaviour}}}}}"
        ask("redteam", "run", mine, "--set", targets, "--set", "goals.n=9", "--out", name, "--quiet")
    worse = ask("redteam", "report", "monday", "friday", "--json")
    assert worse.code == 1
    assert all(row["change"] == 1.0 for row in json.loads(worse.out)["changes"])
    assert ask("redteam", "report", "friday", "monday").code == 0
    assert ask("redteam", "report", "monday", "monday").code == 0


def test_a_report_of_what_is_not_finished_says_so(ask: Ask, mine: Path) -> None:
    nobody = "targets={it: {kind: chat, model: {kind: openai, url: 'http://127.0.0.1:1/v1', model: x, retries: 0}}}"
    assert ask("redteam", "run", mine, "--set", nobody, "--out", "cut").code == 2
    found = ask("redteam", "report", "cut")
    assert found.code == 2  # nothing is known, which is not the same as nothing got through
    assert "nothing was tried on 'it'" in found.err
    ask("redteam", "run", mine, "--set", "seeds=1", "--out", "half", "--quiet")
    recipe = Path("half/recipe.yaml")
    recipe.write_text(recipe.read_text(encoding="utf-8").replace("seeds: 1", "seeds: 2"), encoding="utf-8")
    assert "half: 4 of 8 attacks are not finished" in ask("redteam", "report", "half").err


def test_a_bare_target_is_attacked_as_the_demo_is(ask: Ask) -> None:
    found = ask("redteam", "run", "always-pass", "--smoke", "--set", 'techniques={"null": {kind: "null"}}', "--set", "claims=[]")
    assert found.code == 1
    assert "target: null reached 100.0" in found.out
    assert Path("runs/redteam-always-pass-smoke/report.html").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run",), "say what to attack"),
        (("run", "redteam-demmo"), "did you mean 'redteam-demo'"),
        (("run", "http://127.0.0.1:1/v1"), "--model NAME"),
        (("run", "mine.yaml", "--detail", "all"), "--detail takes limited"),
        (("run", "mine.yaml", "--set", "techniques={x: {kind: sapp}}", "--set", "claims=[]"), "did you mean 'sap'"),
        (("run", "mine.yaml", "--set", "techniques={x: {kind: sap}}", "--set", "claims=[]"), "name one under 'writer'"),
        (("run", "mine.yaml", "--set", "defences={x: {kind: lora}}", "--set", "claims=[]"), "cannot defend 'leaky'"),
        (
            ("run", "mine.yaml", "--set", "goals.kinds=[promote]", "--set", "targets={a: {kind: chat, model: {name: tiny}}}"),
            "promote",
        ),
        (
            (
                "run",
                "mine.yaml",
                "--set",
                "goals.kinds=[promote]",
                "--set",
                "targets={a: {kind: chat-recommender, model: {name: tiny}}}",
            ),
            "goals.dataset=ml-100k",
        ),
        (("report", "nowhere"), "nowhere"),
        (("run", ""), "'' is no recipe and no target"),
        (("run", "."), "the folder . holds no language model"),
    ],
)
def test_bad_input_is_one_sentence(ask: Ask, mine: Path, words: tuple[str, ...], said: str) -> None:
    found = ask("redteam", *words)
    assert found.code == 2
    assert found.err.startswith("error: ")
    assert said in found.err
    assert len(found.err.strip().splitlines()) == 1


def test_sets_are_built_and_said_again(ask: Ask, mine: Path) -> None:
    built = ask("redteam", "build", mine, "--sizes", "2,3", "--technique", "seeds-only", "--out", "sets", "--set", "goals.n=6")
    assert built.code == 0
    assert sorted(path.name for path in Path("sets").glob("*.jsonl")) == [
        f"{kind}-{size}.jsonl" for kind in ("canary", "phrase", "prompt-leak") for size in (2, 3)
    ]
    assert "3 of 3" in built.out
    again = ask("redteam", "replay", "sets/canary-2.jsonl", "sets/phrase-3.jsonl", "--target", "always-pass", "--json")
    assert again.code == 1
    assert len(json.loads(again.out)["got_through"]) == 5
    fresh, stored = (ask("redteam", "replay", "sets/canary-2.jsonl", "--target", "always-fail") for _ in range(2))
    assert fresh.code == stored.code == 0
    assert "nothing was asked" in stored.err
    assert "nothing was asked" not in fresh.err
    same = ("redteam", "replay", "sets/canary-2.jsonl", "--target", "tiny", "--smoke", "--out", "again")
    assert ask(*same).code == 0
    refused = ask(*same, "--set", "targets.target.model.seed=1")  # a target of the same name with other weights
    assert refused.code == 2
    assert "holds another attack (other facts)" in refused.err
    whole = ask("redteam", "replay", "sets", "--target", "always-pass")
    assert whole.code == 2
    assert "name its files, e.g. sets/canary-2.jsonl" in whole.err
    short = ask("redteam", "build", mine, "--sizes", "2", "--technique", "null", "--out", "more", "--set", "goals.n=3")
    assert "at most 80 calls of leaky" in short.err
    assert "canary-2.jsonl is short: no more got through in 40 calls" in short.out
    text = Path("sets/canary-2.jsonl").read_text(encoding="utf-8")
    Path("sets/canary-2.jsonl").write_text(text.replace("seeds-only", "seeds_only", 1), encoding="utf-8")
    changed = ask("redteam", "replay", "sets/canary-2.jsonl", "--target", "always-pass")
    assert changed.code == 2
    assert "changed" in changed.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("build", "mine.yaml", "--sizes", "5,x"), "--sizes takes whole numbers"),
        (("build", "mine.yaml", "--technique", "seed-only"), "did you mean 'seeds-only'"),
        (("build", "mine.yaml", "--part", "all"), "--part takes build or held-out"),
        (("replay", "nowhere.jsonl", "--target", "always-pass"), "nowhere.jsonl"),
        (("serve", "mine.yaml", "--goal", "canary-9"), "did you mean 'canary-0"),
        (("serve", "mine.yaml", "--target", "leeky"), "did you mean 'leaky'"),
        (("run", "mine.yaml", "--set", "goals.file=none.yaml"), "none.yaml"),
    ],
)
def test_bad_input_of_the_other_commands_is_one_sentence(ask: Ask, mine: Path, words: tuple[str, ...], said: str) -> None:
    found = ask("redteam", *words)
    assert found.code == 2
    assert found.err.startswith("error: ")
    assert said in found.err
    assert len(found.err.strip().splitlines()) == 1


def test_every_packaged_recipe_is_whole_and_its_short_form_too() -> None:
    from reverie.redteam.recipe import RED_TEAM
    from reverie.redteam.recipe_lab import RecipeLab

    for name in RED_TEAM.files():
        for smoke in (False, True):
            found = RED_TEAM.load(name, (), smoke)
            assert found.name == name + "-smoke" * smoke
            RecipeLab(found)


def test_the_demo_runs_in_its_short_form(ask: Ask) -> None:
    found = ask("redteam", "harden", "redteam-demo", "--smoke", "--results", "redteam.csv")
    assert found.code == 0, found.err
    assert "smollm2: nothing got through in" in found.out
    assert "same model, 'tiny'" in found.err
    assert Path("runs/redteam-demo-smoke/smollm2.report.jsonl").exists()


class Nonsense(BaseHTTPRequestHandler):
    """Answers everything with text that is no JSON."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        pass


def test_a_target_none_of_whose_answers_can_be_judged_is_an_error(ask: Ask, mine: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Nonsense) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        model = f"{{kind: openai, url: 'http://127.0.0.1:{server.server_port}/v1', model: x, retries: 0}}"
        found = ask("redteam", "run", mine, "--set", f"targets={{it: {{kind: chat, model: {model}}}}}", "--set", "benign=0")
        again = ask("redteam", "run", mine, "--set", f"targets={{it: {{kind: chat, model: {model}}}}}", "--set", "benign=0")
        server.shutdown()
    assert found.code == again.code == 2
    assert "answers of 'it' could be judged" in found.err
    assert "24 more failed" in found.out or "nothing got through" not in found.out
    assert "4 of 4 attacks on it stand in runs/mine and are not made again" in again.err


def test_a_study_in_which_nothing_is_finished_has_not_passed(ask: Ask, mine: Path) -> None:
    Path("empty").mkdir()
    Path("empty/recipe.yaml").write_text(SMALL, encoding="utf-8")
    found = ask("redteam", "report", "empty")
    assert found.code == 2
    assert "error: nothing was tried on 'leaky'" in found.err


def test_goals_with_a_fault_leave_no_folder(ask: Ask, mine: Path) -> None:
    found = ask("redteam", "run", mine, "--set", "goals.n=400", "--out", "one")
    assert found.code == 2
    assert not Path("one").exists()


def test_options_that_would_do_nothing_are_refused(ask: Ask, mine: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/recipe.yaml").write_text("name: other\n", encoding="utf-8")
    for words, said in (
        (("run", mine, "--model", "x"), "--model names a model of an address"),
        (("run", mine, "--set", "targets.typo.name=x"), "targets.typo has no 'kind'"),
        (("run", "runs"), "runs is a run folder, but no finished one"),
    ):
        found = ask("redteam", *words, "--out", "one")
        assert (found.code, found.out) == (2, "")
        assert said in found.err
        assert not Path("one").exists()


def test_prompts_of_a_user_are_counted_and_not_told(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "own/words").mkdir(parents=True)
    (tmp_path / "own/words/generated_cases.json").write_text('["a text that stays here"]', encoding="utf-8")
    found = ask("redteam", "replay", "own", "--target", "tiny", "--json")
    assert found.code == 1, "a random model refuses nothing"
    assert "1 prompts (words 1)" in found.out
    assert "stays here" not in found.out + found.err
