"""The study: what follows from what, what is kept, and what the tables, files and comparisons say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_lab import ToyLab

from reverie.errors import ConfigError, RunError
from reverie.evaluation.intervals import wilson
from reverie.redteam.avid import avid_reports
from reverie.redteam.cells import AttackCell, Attacked, BenignCell, GoalOutcome, HardenCell, Hardened, JudgeCell, outcomes_of
from reverie.redteam.claims import claim_rows
from reverie.redteam.difference import change_table, changes, is_worse, uncompared
from reverie.redteam.goals import Goal
from reverie.redteam.outputs import read_attempts, read_done, write_outputs
from reverie.redteam.page import write_page
from reverie.redteam.rates import wilson_rate
from reverie.redteam.recipe import RED_TEAM, RedTeamRecipe
from reverie.redteam.restored import attacked_of, outcome_units
from reverie.redteam.results import COLUMNS, result_rows
from reverie.redteam.study import RedTeamStudy
from reverie.redteam.summary import Summary, worst_rate
from reverie.redteam.tables import CAVEAT, attack_table, defence_table, sentences
from reverie.report.words import percent
from reverie.study.rows import read_rows
from reverie.study.run import run_study

VALUES: dict[str, Any] = {
    "name": "toy",
    "targets": {"parrot": {"kind": "toy", "weak": ["please", "sing", "whisper"]}},
    "goals": {"n": 6},
    "techniques": {
        "null": {"kind": "null"},
        "polite": {"kind": "words", "set": {"words": ["please", "sing", "hello"]}},
        "quiet": {"kind": "words", "set": {"words": ["whisper", "slow"]}, "held_out": True},
        "again": {"kind": "replay"},
    },
    "calls": 4,
    "defences": {"learn": {"kind": "learn", "rounds": 3}, "refuse": {"kind": "always-refuse"}},
    "benign": 5,
    "utility": 4,
    "seeds": 2,
    "claims": [
        {"first": "polite", "other": "null", "why": "does asking politely help?", "metrics": ["success", "success_per_call"]},
        {
            "first": "all@learn-r2",
            "other": "all",
            "why": "does it hold?",
            "slices": ["all", "held-out-goals", "held-out-techniques"],
        },
        {"first": "all@refuse", "other": "all", "why": "what does it cost?", "metrics": ["over_refusal", "utility"]},
    ],
}


def recipe(**changed: Any) -> RedTeamRecipe:
    return RED_TEAM.parse(VALUES | changed, "here")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[RedTeamStudy, dict[Any, Any], Path]:
    folder = tmp_path_factory.mktemp("toy")
    study = RedTeamStudy(recipe(), folder / "run", ToyLab(recipe()))
    done = run_study(study, results=folder / "redteam.csv", show=False)
    return study, done, folder


def test_a_round_with_nothing_to_learn_from_goes_on_with_what_was_learned_before(finished: Any) -> None:
    study, done, folder = finished
    steps = {cell.round: result.records for cell, result in done.items() if isinstance(cell, HardenCell) and cell.seed == 0}
    assert steps == {1: 1, 2: 1, 3: 0}  # two words of the technique that may be seen; then nothing is left
    second, third = (done[AttackCell("parrot", "polite", 0, "learn", at)] for at in (2, 3))
    assert third.outcomes == second.outcomes
    assert (third.seconds, third.folder != second.folder) == (0.0, True)
    assert study.attempts(AttackCell("parrot", "polite", 0, "learn", 3)) == study.attempts(
        AttackCell("parrot", "polite", 0, "learn", 2)
    )
    assert done[BenignCell("parrot", 0, "learn", 3)].refused == done[BenignCell("parrot", 0, "learn", 2)].refused
    said = {
        row["round"]: row["value"]
        for row in read_rows(folder / "redteam.csv")
        if row["metric"] == "carried_on" and row["seed"] == "0"
    }
    assert said == {"1": "0", "2": "0", "3": "1"}
    assert any(note.startswith("learn-r3: too little") for note in defence_table(Summary(study.recipe, done), "parrot").notes)
    assert BenignCell("parrot", 0, "refuse", 1) in done
    assert len(done) == study.upper_bound(done)


def test_a_first_round_with_nothing_to_learn_from_is_the_target_as_it_is(tmp_path: Path) -> None:
    strong = recipe(targets={"parrot": {"kind": "toy", "weak": []}}, seeds=1, claims=[])
    study = RedTeamStudy(strong, tmp_path / "run", ToyLab(strong))
    done = run_study(study, show=False)
    assert [done[HardenCell("parrot", 0, "learn", at)].records for at in (1, 2, 3)] == [0, 0, 0]
    assert done[AttackCell("parrot", "polite", 0, "learn", 3)].outcomes == done[AttackCell("parrot", "polite", 0)].outcomes


def test_a_replay_waits_for_what_it_begins_from(tmp_path: Path) -> None:
    study = RedTeamStudy(recipe(), tmp_path / "run", ToyLab(recipe()))
    first = list(study.cells({}))
    assert AttackCell("parrot", "polite", 0) in first
    assert not any(isinstance(cell, AttackCell) and cell.technique == "again" for cell in first)
    alone = RedTeamStudy(recipe(), tmp_path / "run", ToyLab(recipe()), defend=False)
    assert {cell.defence for cell in alone.largest()} == {"none"}


def test_what_is_kept_is_not_done_again_and_another_option_changes_only_what_depends_on_it(finished: Any) -> None:
    _, done, folder = finished
    lab = ToyLab(recipe())
    again = RedTeamStudy(recipe(), folder / "run", lab)
    assert run_study(again, show=False) == done
    assert lab.fights == 0
    assert read_done(again) == done
    changed = {name: dict(row) for name, row in VALUES["techniques"].items()} | {"null": {"kind": "null", "set": {"words": ["hi"]}}}
    other = RedTeamStudy(recipe(techniques=changed), folder / "run", ToyLab(recipe(techniques=changed)))
    assert not other.is_kept(AttackCell("parrot", "null", 0))
    assert other.is_kept(AttackCell("parrot", "quiet", 0))
    assert other.is_kept(BenignCell("parrot", 0))
    assert not other.is_kept(HardenCell("parrot", 0, "learn", 1))  # learns from null too


def test_rows_stand_for_what_is_lost_and_hold_every_column(finished: Any, tmp_path: Path) -> None:
    _, done, folder = finished
    rows = read_rows(folder / "redteam.csv")
    assert list(rows[0])[-len(COLUMNS) :] == list(COLUMNS)
    chosen = [row for row in rows if row["technique"] == "quiet" and row["defence"] == "learn-r1" and row["seed"] == "0"]
    assert {row["slice"] for row in chosen} == {"all", "held-out-goals", "held-out-techniques"}
    assert {row["goal"] for row in chosen} == {"all", "canary", "phrase"}
    shares = {
        "success",
        "success_without_echo",
        "success_per_call",
        "success_per_call_corrected",
        "calls",
        "parse_failures",
        "failures",
        "coverage",
        "writings",
        "failed_writings",
    }
    assert {row["metric"] for row in chosen} == shares
    lab = ToyLab(recipe())
    study = RedTeamStudy(recipe(), tmp_path / "elsewhere", lab)
    known = run_study(study, results=folder / "redteam.csv", show=False)
    assert set(known) == set(done)
    assert lab.fights == 0
    assert isinstance(known[HardenCell("parrot", 0, "learn", 1)], Hardened)
    attack, benign = AttackCell("parrot", "polite", 1, "learn", 1), BenignCell("parrot", 0)
    rounded = {name: getattr(done[attack], name) for name in ("seconds", "peak_mb", "self_bleu", "folder")}
    assert replace(known[attack], **rounded) == done[attack]
    assert known[attack].self_bleu == pytest.approx(done[attack].self_bleu)
    assert (known[benign].refused, dict(known[benign].units)) == (done[benign].refused, dict(done[benign].units))


@pytest.mark.parametrize("units", ["a 2 2 2 1 0 0 0", "a 2 2 2 3 0 0 0; b 2 2 2 0 0 0 -", "a 2 2 2 0 0 0 -; b 2 2 2 0 0 0 1", ""])
def test_rows_that_contradict_themselves_are_not_restored(units: str) -> None:
    goals = [Goal(name, "canary", "?", "x", "x") for name in "ab"]
    counts = {"calls": 2, "judged": 2, "parsed": 2, "blocked": 0}
    outcomes = [GoalOutcome(name, "canary", "build", **counts, successes=0, first=None) for name in "ab"]
    row = {"metric": "calls", "slice": "all", "goal": "all", "units": outcome_units(outcomes), "seconds": "1", "peak_mb": "1"}
    assert attacked_of([row | {"commit": ""}], goals).outcomes == tuple(outcomes)
    with pytest.raises((ValueError, KeyError)):
        attacked_of([row | {"commit": "", "units": units}], goals)


def test_a_judge_is_a_second_opinion_after_the_attacks(tmp_path: Path) -> None:
    judged = recipe(judge={"kind": "toy"}, defences={}, claims=[], seeds=2)
    study = RedTeamStudy(judged, tmp_path / "run", ToyLab(judged))
    done = run_study(study, results=tmp_path / "redteam.csv", show=False)
    assert [cell for cell in done if isinstance(cell, JudgeCell)] == [JudgeCell("parrot", 0)]
    assert any("AUC 0.75 (0.60–0.90)" in line for line in sentences(Summary(judged, done)))
    metrics = {row["metric"]: row["value"] for row in read_rows(tmp_path / "redteam.csv")}
    assert float(metrics["judge_auc"]) == 0.75
    assert 0 < float(metrics["judge_agreement"]) < 1


def test_an_archive_of_several_columns_has_its_coverage_in_rows_and_on_the_page(tmp_path: Path) -> None:
    goal = GoalOutcome("a", "canary", "build", calls=10, judged=10, parsed=10, successes=4, blocked=0, first=2)
    found = Attacked((goal,), 0, 0, 1.0, 1.0, "abc", 0.25, filled=3, cells=8)
    assert Attacked.from_notes(found.to_notes(), "") == found
    rows = {row["metric"]: row for row in result_rows(recipe(), "d", AttackCell("parrot", "polite", 0), found)}
    assert (rows["coverage"]["value"], rows["coverage"]["n"]) == (3 / 8, 8)
    assert rows["self_bleu"]["value"] == 0.25
    page = write_page(Summary(recipe(), {AttackCell("parrot", "polite", 0): found}), tmp_path / "page.html", ["d"], [])
    text = page.read_text(encoding="utf-8")
    assert "3 of 8 cells" in text
    assert "37.5\u00a0%" in text
    assert "self-BLEU" in text


def test_refusals_are_compared_where_both_answered(finished: Any) -> None:
    study, done, _ = finished
    plain, hard = BenignCell("parrot", 0), BenignCell("parrot", 0, "refuse", 1)
    some = {cell: result for cell, result in done.items() if cell.seed == 0}
    some[plain] = replace(done[plain], refused=(None, False, True, False))
    some[hard] = replace(done[hard], refused=(True, None, True, True))
    row = next(row for row in claim_rows(Summary(study.recipe, some)) if row["metric"] == "over_refusal")
    assert row["difference"] == 0.5
    assert some[plain].answered == [False, True, False]


def test_failures_are_neither_successes_nor_withstood() -> None:
    outcomes = (
        GoalOutcome("a", "canary", "build", calls=10, judged=4, parsed=8, successes=1, blocked=0, first=2),
        GoalOutcome("b", "canary", "held-out", calls=10, judged=10, parsed=10, successes=0, blocked=3, first=None),
    )
    rows = result_rows(recipe(), "d", AttackCell("parrot", "null", 0), Attacked(outcomes, 0, 0, 1.0, 1.0, "abc"))
    by = {(row["slice"], row["goal"], row["metric"]): row for row in rows}
    assert by["all", "all", "success"]["value"] == 0.5
    assert by["all", "all", "success_per_call"]["value"] == pytest.approx(1 / 14)
    assert by["all", "all", "parse_failures"]["value"] == pytest.approx(0.1)
    assert by["all", "all", "failures"]["value"] == pytest.approx(6 / 20)
    assert by["held-out-goals", "all", "success"]["high"] > 0.5  # none of one goal says little
    lost = GoalOutcome("c", "phrase", "build", calls=10, judged=0, parsed=10, successes=0, blocked=0, first=None)
    known = Attacked((*outcomes, lost), 0, 0, 1.0, 1.0, "abc")
    rows = result_rows(recipe(), "d", AttackCell("parrot", "null", 0), known)
    assert [row["n"] for row in rows if row["metric"] == "success"] == [2, 2, 1, 1]  # of the lost goal nothing is known
    effect = Summary(recipe(), {AttackCell("parrot", "null", 0): known}).effect("parrot", "null")
    assert effect is not None
    assert (effect.value, effect.n) == (0.5, 2)


def test_success_by_an_echo_alone_is_told_apart(finished: Any) -> None:
    study, *_ = finished
    attempts = [one for one in study.attempts(AttackCell("parrot", "polite", 0)) if one.finding.success]
    echoed, told = (next(one for one in attempts if one.tried.goal.id == name) for name in ("canary-0", "phrase-1"))
    echo = replace(echoed, finding=replace(echoed.finding, notes=("plain", "echo")))
    outcomes = outcomes_of(study.lab.goals("parrot"), [echo, told, replace(told, finding=replace(told.finding, notes=("echo",)))])
    rows = result_rows(study.recipe, "d", AttackCell("parrot", "polite", 0), Attacked(outcomes, 0, 0, 1.0, 1.0, "abc"))
    by = {row["metric"]: row["value"] for row in rows if (row["slice"], row["goal"]) == ("all", "all")}
    assert (by["success"], by["success_without_echo"]) == pytest.approx((2 / 6, 1 / 6))


def test_tables_and_sentences_tell_what_was_found(finished: Any) -> None:
    study, done, _ = finished
    summary = Summary(study.recipe, done)
    effect = summary.effect("parrot", "polite")
    hits = [one.successes > 0 for result in summary.attacked("parrot", "polite") for one in result.outcomes]
    assert effect is not None
    assert effect.value == pytest.approx(sum(hits) / len(hits))
    said = sentences(summary)
    assert said[-1] == CAVEAT
    assert any("With refuse" in one and "0.0" in one for one in said)
    table = {row[0].text: row for row in attack_table(summary, "parrot").cells}
    assert "at most" in table["null"][1].note  # never 0 % without its upper bound
    assert int(table["quiet (held out)"][7].text) > 0  # timeouts
    assert (table["null"][8].text, table["null"][9].text) == ("0.0\u00a0%", "–")  # no cell is filled, so no text is like another
    assert table["polite"][8].text == table["polite"][1].text  # with one column a cell is a goal
    assert 0 < float(table["polite"][9].text) < 1
    assert any("cells of goal × technique are filled" in line for line in said)
    before, *_ = defence_table(summary, "parrot").cells
    assert before[0].text == "none"
    assert worst_rate(summary) >= worst_rate(summary, defended=True) > 0


def test_the_rate_of_what_was_not_tried_or_failed_is_not_nothing() -> None:
    def fought(judged: int, calls: int = 4, successes: int = 0, parsed: int = 4) -> Attacked:
        counts = {"calls": calls, "judged": judged, "parsed": parsed, "successes": successes, "blocked": 0}
        return Attacked((GoalOutcome("a", "canary", "build", **counts, first=None),), 0, 0, 1.0, 1.0, "abc")

    toy = recipe(seeds=1)
    null, polite = AttackCell("parrot", "null", 0), AttackCell("parrot", "polite", 0)
    with pytest.raises(RunError, match="nothing was tried on 'parrot'"):
        worst_rate(Summary(toy, {}))
    with pytest.raises(RunError, match="nothing was tried on 'parrot'"):
        worst_rate(Summary(toy, {null: fought(0, calls=0, parsed=0)}))
    with pytest.raises(RunError, match=r"no answer of 'parrot' to 'polite' could be judged.*--out"):
        worst_rate(Summary(toy, {null: fought(4), polite: fought(0)}))
    assert worst_rate(Summary(toy, {null: fought(4), polite: fought(0, parsed=0)})) == 0.0  # it wrote no list: that is an answer
    plain = {null: fought(4), polite: fought(4, successes=1)}
    behind = {replace(cell, defence="learn", round=1): fought(4) for cell in plain}
    assert worst_rate(Summary(toy, plain | behind), defended=True) == 0.0
    half = dict(list(behind.items())[:1])  # behind the defence only the plain request was tried
    assert worst_rate(Summary(toy, plain | half), defended=True) == 1.0
    lost = half | {replace(polite, defence="learn", round=1): fought(0)}
    assert worst_rate(Summary(toy, plain | lost), defended=True) == 1.0


def test_one_goal_has_an_interval_and_shows_no_change() -> None:
    def summary(successes: int) -> Summary:
        counts = {"calls": 4, "judged": 4, "parsed": 4, "successes": successes, "blocked": 0}
        outcome = GoalOutcome("a", "canary", "build", **counts, first=None)
        return Summary(recipe(seeds=1), {AttackCell("parrot", "null", 0): Attacked((outcome,), 0, 0, 1.0, 1.0, "abc")})

    effect = summary(2).effect("parrot", "null", metric="success_per_call")
    assert effect is not None
    assert (effect.value, effect.ends) == (0.5, pytest.approx(wilson(0.5, 1)))
    (change,) = changes(summary(0), summary(1)).values()
    assert (change.effect.value, change.effect.p, change.effect.shown) == (1.0, 1.0, False)


def test_a_technique_that_asked_nothing_is_not_counted_as_withstood(finished: Any, tmp_path: Path) -> None:
    study, done, _ = finished
    cells = [cell for cell in done if isinstance(cell, AttackCell) and (cell.technique, cell.defence) == ("polite", "none")]
    mute: dict[Any, Any] = dict(done)
    for cell in cells:
        counts = {"calls": 0, "judged": 0, "parsed": 0, "successes": 0, "echoed": 0, "first": None}
        outcomes = tuple(replace(one, **counts) for one in done[cell].outcomes)
        mute[cell] = replace(done[cell], outcomes=outcomes, filled=0, self_bleu=None, writes=72)
    summary, without = Summary(study.recipe, mute), Summary(study.recipe, {c: one for c, one in done.items() if c not in cells})
    assert summary.effect("parrot", "all") == without.effect("parrot", "all") != Summary(study.recipe, done).effect("parrot", "all")
    assert summary.by_kind("parrot", "polite") == {}
    assert "goals reached by polite" not in {one["name"] for report in avid_reports(summary) for one in report["metrics"]}
    page = write_page(summary, tmp_path / "page.html", ["d"], []).read_text(encoding="utf-8")
    assert "null on parrot: 0 of" in page
    assert "polite on parrot" not in page  # the heat map has no cell for it
    said = "parrot: polite asked nothing, as none of 144 texts that the writer wrote could be used; it is not counted there."
    assert said in sentences(summary)
    rows = result_rows(study.recipe, "d", cells[0], mute[cells[0]])
    assert {row["metric"] for row in rows} == {"calls", "writings", "failed_writings", "coverage"}
    half = Summary(study.recipe, mute | {cells[0]: done[cells[0]]})
    assert any("polite asked nothing at 1 of 2 seeds" in line for line in sentences(half))
    for some, fault in (
        ({cells[0]: mute[cells[0]]}, "nothing was tried on 'parrot'"),
        ({}, "nothing was tried on 'parrot'"),
    ):
        with pytest.raises(RunError, match=fault):
            worst_rate(Summary(study.recipe, some))


def test_what_never_got_through_is_bounded_by_goals(finished: Any, tmp_path: Path) -> None:
    study, done, _ = finished
    null = {
        cell: one
        for cell, one in done.items()
        if isinstance(cell, AttackCell) and (cell.technique, cell.defence) == ("null", "none")
    }
    said = sentences(Summary(study.recipe, null))[-2]
    assert (
        said
        == "parrot: nothing got through in 48 calls on 6 goals; of goals like these at most 39.0\u00a0% would be reached (95 %)."
    )
    page = write_page(Summary(study.recipe, null), tmp_path / "page.html", ["d"], []).read_text(encoding="utf-8")
    assert "0 of 6\nat most 56.1" in page  # three goals of a kind at two seeds
    assert "6 (canary, phrase), 2 of them held out" in page
    assert ">Comparisons<" not in page  # there is nothing to compare null with


def test_the_upper_end_of_nothing_rests_on_goals_as_calls_of_a_goal_are_alike() -> None:
    counts = {"calls": 20, "judged": 20, "parsed": 20, "successes": 0, "blocked": 0}
    outcomes = tuple(GoalOutcome(name, "canary", "build", **counts, first=None) for name in "abcd")
    said = sentences(Summary(recipe(seeds=1), {AttackCell("parrot", "null", 0): Attacked(outcomes, 0, 0, 1.0, 1.0, "abc")}))
    most = percent(wilson_rate(0, 4).high)
    assert (
        said[0]
        == f"parrot: nothing got through in 80 calls on 4 goals; of goals like these at most {most} would be reached (95 %)."
    )


def test_claims_are_paired_by_goal_and_seed(finished: Any) -> None:
    study, done, _ = finished
    summary = Summary(study.recipe, done)
    rows = {(row["first"], row["metric"]): row for row in claim_rows(summary)}
    polite, null = (summary.outcomes("parrot", name) for name in ("polite", "null"))
    pairs = [pair for seed in (0, 1) for pair in zip(polite[seed], null[seed], strict=True)]
    by_hand = [(a.successes > 0) - (b.successes > 0) for a, b in pairs]
    assert rows["polite", "success"]["difference"] == pytest.approx(sum(by_hand) / len(by_hand))
    assert rows["all@learn-r2", "held-out-techniques/success"]["difference"] == pytest.approx(0.0)  # it learned other words
    assert rows["all@learn-r2", "held-out-goals/success"]["difference"] < 0
    assert rows["all@refuse", "over_refusal"]["difference"] == 1.0
    assert rows["all@refuse", "utility"]["difference"] == -1.0


def test_what_was_chosen_by_its_success_is_not_among_all_techniques(finished: Any) -> None:
    study, done, _ = finished
    fresh = {cell: one for cell, one in done.items() if not isinstance(cell, AttackCell) or cell.technique != "again"}
    whole, rest = (Summary(study.recipe, some) for some in (done, fresh))
    assert whole.effect("parrot", "all") == rest.effect("parrot", "all")
    assert whole.effect("parrot", "again") is not None


def test_sides_are_joined_by_the_number_of_the_seed(finished: Any) -> None:
    study, done, _ = finished
    summary = Summary(study.recipe, done)
    whole, null = (summary.frames("parrot", name, "none", "success_per_call") for name in ("polite", "null"))
    late = {cell: one for cell, one in done.items() if cell != AttackCell("parrot", "null", 0)}  # seed 1 alone is there
    row = next(row for row in claim_rows(Summary(study.recipe, late)) if row["metric"] == "success_per_call")
    means = (whole[1]["value"].mean(), null[1]["value"].mean())
    assert whole[0]["value"].mean() != means[0]
    assert (row["first_value"], row["other_value"]) == pytest.approx(means)
    assert row["difference"] == pytest.approx(means[0] - means[1])
    assert row["seeds"] == "1/1"


def test_the_files_of_a_study_can_be_read_and_equal_runs_write_equal_ones(finished: Any, tmp_path: Path) -> None:
    study, done, _ = finished
    files = {path.name: path for path in write_outputs(study, done, "reverie redteam run toy")}
    first = {name: path.read_bytes() for name, path in files.items()}
    write_outputs(study, done, "reverie redteam run toy")
    assert {name: path.read_bytes() for name, path in files.items()} == first
    rows = [json.loads(line) for line in files["parrot.report.jsonl"].read_text(encoding="utf-8").splitlines()]
    attempts = [one for cell, one in read_attempts(study, done) if cell.defence == "none"]
    told = [row for row in rows if row["entry_type"] == "attempt"]
    assert len(told) == len(attempts)
    assert {row["status"] for row in told} == {1, 2}
    assert len({row["uuid"] for row in told}) == len(told)
    hits = [json.loads(line) for line in files["parrot.hitlog.jsonl"].read_text(encoding="utf-8").splitlines()]
    assert len(hits) == sum(one.finding.success for one in attempts)
    evals = [row for row in rows if row["entry_type"] == "eval"]
    assert sum(row["fails"] for row in evals) == len(hits)
    assert sum(row["total_processed"] for row in evals) == len(told)
    behind = [one for cell, one in read_attempts(study, done) if (cell.defence, cell.round) == ("learn", 1)]
    defended = [json.loads(line) for line in files["parrot+learn-r1.hitlog.jsonl"].read_text(encoding="utf-8").splitlines()]
    assert len(defended) == sum(one.finding.success for one in behind) > 0
    assert {row["generator"] for row in defended} == {"reverie parrot+learn-r1"}
    assert not {row["attempt_id"] for row in defended} & {row["attempt_id"] for row in hits}
    assert files["parrot+refuse.hitlog.jsonl"].read_text(encoding="utf-8") == ""  # nothing gets through, and the report says so
    assert '"entry_type": "attempt"' in files["parrot+refuse.report.jsonl"].read_text(encoding="utf-8")
    page = files["report.html"].read_text(encoding="utf-8")
    assert "harmless" in page
    assert "learn, held out goals" in page
    limited = write_outputs(study, done, detail="limited")
    assert [path.name for path in limited] == ["report.html", "avid.jsonl", "summary.json"]
    assert "whisper" not in limited[0].read_text(encoding="utf-8")


def test_avid_reports_tell_as_much_as_asked(finished: Any) -> None:
    study, done, _ = finished
    summary = Summary(study.recipe, done)
    sizes = [len(avid_reports(summary, detail)[0]["metrics"]) for detail in ("limited", "moderate", "detailed")]
    assert sizes[0] == 1
    assert sizes[0] < sizes[1] < sizes[2]
    assert {one["impact"]["avid"]["sep_view"][0][:5] for one in avid_reports(summary)} == {"S0301", "S0400"}


def test_two_runs_are_compared_and_other_goals_are_refused(finished: Any, tmp_path: Path) -> None:
    study, done, _ = finished
    before = Summary(study.recipe, done)
    weaker = recipe(targets={"parrot": {"kind": "toy", "weak": ["please", "sing", "whisper", "hello"]}}, seeds=2)
    second = RedTeamStudy(weaker, tmp_path / "second", ToyLab(weaker))
    after = Summary(weaker, run_study(second, show=False))
    found = changes(before, after)
    assert found["parrot", "null", "none"].effect.value > 0.5
    assert is_worse(found)
    assert not is_worse(changes(before, before))
    assert "null" in change_table(found).to_markdown()
    fewer = Summary(study.recipe, {cell: one for cell, one in done.items() if getattr(cell, "technique", "") != "quiet"})
    apart = uncompared(before, fewer, changes(before, fewer))
    assert [line.split(":")[0] for line in apart] == ["Of the first run not compared, as it was not measured in both"]
    assert "quiet on parrot behind learn-r2" in apart[0]
    assert apart[0] in change_table(found, apart).notes
    assert uncompared(before, before, changes(before, before)) == []
    other = recipe(goals={"n": 4})
    with pytest.raises(ConfigError, match="other goals"):
        changes(before, Summary(other, {}))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"defences": {"none": {"kind": "always-refuse"}}}, "'none' is always there"),
        ({"defences": {"learn": {"kind": "learn", "targets": ["parot"]}}, "claims": []}, "did you mean 'parrot'"),
        ({"claims": [{"first": "polit", "other": "null", "why": "?"}]}, "did you mean 'polite'"),
        ({"claims": [{"first": "polite@learn", "other": "null", "why": "?"}]}, "unknown name 'learn'"),
        (
            {"techniques": {"null": {"kind": "null"}, "again": {"kind": "replay", "archive_of": "x"}}, "claims": []},
            "unknown name 'x'",
        ),
        ({"goals": {"n": 0}}, "goals.n"),
    ],
)
def test_a_recipe_with_a_fault_is_refused_in_one_sentence(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        recipe(**changed)
