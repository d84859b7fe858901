"""`reverie ope`: what it prints, writes and refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from reverie.cli.main import app
from reverie.data.splits.config import ByUser, split_dataset
from reverie.errors import ReverieError
from reverie.models import create_model, save_model
from reverie.testing import tiny_split
from reverie.training.event_log import open_recipe_dataset
from reverie.training.recipe import RECIPES, Recipe
from reverie.training.run import run_recipe

FAST = ["--resamples", "100"]


def logged(n: int = 400, **columns: object) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    items = rng.integers(1, 5, n)
    base = {"item": items, "reward": (rng.random(n) < items / 8).astype(float), "propensity": np.full(n, 0.25)}
    return pl.DataFrame(base | columns)


def popularity(log: str, protocol: str = "by_user", **dataset: object) -> Recipe:
    """A recipe that counts the events of a log with rewards."""
    split = {"protocol": protocol} | ({"targets": "all"} if protocol == "by_user" else {})
    read = {"name": log, "rewards": "reward"} | dataset
    return RECIPES.parse({"name": "own", "dataset": read, "split": split, "model": {"name": "popularity"}}, "test")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a log of rounds, one of sessions, and a policy."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "cache"))
    logged().write_csv("rounds.csv")
    logged(session=np.repeat(np.arange(100), 4)).write_parquet("sessions.parquet")
    pl.DataFrame({"item": [1, 2, 3, 4], "probability": [0.1, 0.2, 0.3, 0.4]}).write_csv("policy.csv")
    return tmp_path


def ope(*arguments: str) -> str:
    """Return what the command prints; a refusal is raised."""
    answer = CliRunner().invoke(app, ["ope", *arguments], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def refusal(*arguments: str) -> str:
    with pytest.raises(ReverieError) as error:
        ope(*arguments)
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.mark.usefixtures("folder")
def test_rounds_as_a_table_and_as_json() -> None:
    shown = ope("rounds.csv", "--policy", "policy.csv", *FAST)
    for name in ("logged", "ips", "clipped-ips", "snips", "dm", "dr", "switch", "reward per round", "400 rounds"):
        assert name in shown
    found = json.loads(ope("rounds.csv", "--policy", "policy.csv", "--estimators", "ips,snips", "--json", *FAST))
    weights = pl.read_csv("rounds.csv")["item"].to_numpy() / 10 / 0.25
    rewards = pl.read_csv("rounds.csv")["reward"].to_numpy()
    values = {one["estimator"]: one["value"] for one in found["estimates"]}
    assert values["ips"] == pytest.approx((weights * rewards).mean(), abs=1e-12)
    assert values["snips"] == pytest.approx((weights * rewards).sum() / weights.sum(), abs=1e-12)
    assert values["logged"] == pytest.approx(rewards.mean(), abs=1e-12)
    assert found["propensities"] == "logged"


def test_sessions_and_a_page(folder: Path) -> None:
    shown = ope("sessions.parquet", "--policy", "policy.csv", "--gamma", "0.8", "--out", "page.html", *FAST)
    assert all(
        name in shown for name in ("pdis", "wpdis", "sequential-dr", "fqe", "return per session", "γ = 0.8", "wrote page.html")
    )
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "sequential-dr" in page


@pytest.mark.usefixtures("folder")
def test_a_page_is_refused_before_a_log_is_read() -> None:
    assert "a page cannot be written to page.txt" in refusal("nowhere.csv", "--policy", "policy.csv", "--out", "page.txt")


@pytest.mark.usefixtures("folder")
def test_a_run_judges_its_own_items() -> None:
    split = tiny_split()
    model = create_model("popularity", split)
    model.fit_counts(split.train)
    save_model(model, Path("model"))
    events = split.train.vocabulary.items.sample(300, with_replacement=True, seed=1)
    pl.DataFrame(
        {"item_id": events, "clicks": [0.0, 1.0] * 150, "pscore": [1 / len(split.train.vocabulary.items)] * 300}
    ).write_csv("log.csv")
    found = json.loads(ope("log.csv", "--policy", "model", "--act", "softmax", "--temperature", "50", "--json", *FAST))
    assert found["policy"].startswith("popularity by softmax (τ = 50)")
    assert all(one["value"] is not None for one in found["estimates"])


@pytest.mark.usefixtures("folder")
def test_a_run_is_marked_on_the_log_that_it_was_trained_on(tmp_path: Path) -> None:
    split = tiny_split()
    model = create_model("popularity", split)
    model.fit_counts(split.train)
    save_model(model, Path("model"))
    items = split.train.vocabulary.items.sample(300, with_replacement=True, seed=1)
    for name in ("then.csv", "later.csv"):
        pl.DataFrame({"item": items, "reward": [0.0, 1.0] * 150, "propensity": [0.05] * 300}).write_csv(name)
    Path("model/data.json").write_text(json.dumps({"name": str(tmp_path / "then.csv"), "sha256": "1" * 64}))
    options = ("--policy", "model", "--temperature", "50", "--estimators", "ips", "--json", *FAST)
    marked = {
        name: any("TRAINED ON THIS LOG" in note for note in json.loads(ope(name, *options))["notes"])
        for name in ("then.csv", "./then.csv", "later.csv")
    }
    assert marked == {"then.csv": True, "./then.csv": True, "later.csv": False}


@pytest.mark.usefixtures("folder")
def test_a_run_is_judged_on_the_sessions_that_its_split_held_out() -> None:
    rounds = logged(user=np.repeat(np.arange(100), 4), timestamp=1_700_000_000 + np.arange(400))
    rounds.write_csv("people.csv")
    recipe = popularity("people.csv")
    run_recipe(recipe, Path("own"), show=False)
    split = split_dataset(open_recipe_dataset(recipe.dataset), ByUser(protocol="by_user", targets="all"))
    held = split.vocabulary.users.gather(np.unique(split.test.users)).to_list()
    assert 5 <= len(held) <= 20
    options = ("people.csv", "--policy", "own", "--gamma", "0.5", "--least-ess", "1", "--json", *FAST)
    found = json.loads(ope(*options, "--held-out"))
    of_one = rounds.filter(pl.col("user").is_in(held)).group_by("user").agg(pl.col("reward"))["reward"].to_list()
    assert (found["sessions"], found["rounds"]) == (len(held), 4 * len(held))
    assert found["estimates"][0]["value"] == pytest.approx(np.mean([np.dot(rewards, 0.5 ** np.arange(4)) for rewards in of_one]))
    assert not any("TRAINED ON" in note for note in found["notes"])
    assert any("TRAINED ON" in note for note in json.loads(ope(*options))["notes"])
    assert "is another one" in refusal("sessions.parquet", "--policy", "own", "--held-out")
    assert "policy.csv is no run folder" in refusal("people.csv", "--policy", "policy.csv", "--held-out")
    assert "name the run with --policy" in refusal("people.csv", "--export", "log.npz", "--held-out")
    run_recipe(popularity("people.csv", "leave_one_out"), Path("other"), show=False)
    assert "was trained on events of every session" in refusal("people.csv", "--policy", "other", "--held-out")


@pytest.mark.usefixtures("folder")
def test_sessions_are_held_out_only_where_log_and_run_cut_alike() -> None:
    people, day = np.repeat(np.arange(100), 6), 86_400
    times = 1_700_000_000 + day * np.repeat(np.arange(200), 3) + 2000 * np.tile(np.arange(3), 200)
    rounds = logged(600, user=people, timestamp=times, session=np.repeat(np.arange(200), 3), item=[f"i{at}" for at in range(600)])
    rounds.write_csv("visits.csv")
    run_recipe(popularity("visits.csv", sessions={"gap_minutes": 60}), Path("own"), show=False)
    told = refusal("visits.csv", "--policy", "own", "--held-out", "--session", "user", "--gap-minutes", "30")
    assert "say --gap-minutes 60" in told
    ope("visits.csv", "--policy", "own", "--held-out", "--session", "user", "--gap-minutes", "60", "--least-ess", "1", *FAST)
    run_recipe(popularity("visits.csv"), Path("people"), show=False)
    assert "holds other items than that of people" in refusal("visits.csv", "--policy", "people", "--held-out")


@pytest.mark.usefixtures("folder")
def test_items_of_the_whole_log_support_a_policy_on_held_out_sessions() -> None:
    rounds = logged(user=np.repeat(np.arange(100), 4), timestamp=1_700_000_000 + np.arange(400), item=np.arange(400) % 40)
    rounds.write_csv("wide.csv")
    run_recipe(popularity("wide.csv"), Path("wide"), show=False)
    options = ("wide.csv", "--policy", "wide", "--temperature", "50", "--least-ess", "1", "--json", *FAST)
    held = json.loads(ope(*options, "--held-out"))
    assert held["rounds"] < 60
    assert held["missing"] == json.loads(ope(*options))["missing"] == 0


@pytest.mark.usefixtures("folder")
def test_histories_are_cut_into_sessions_where_time_passes() -> None:
    """Of each of 20 people there are four rounds, an hour between the second and the third; the file has the last first."""
    minutes = np.tile([0, 10, 70, 80], 20)
    rounds = logged(80, user=np.repeat(np.arange(20), 4), timestamp=1_700_000_000 + 60 * minutes)
    rounds[::-1].write_csv("people.csv")
    options = ("--policy", "policy.csv", "--estimators", "pdis", "--least-ess", "1", "--json", *FAST)
    found = {gap: json.loads(ope("people.csv", *gap, *options)) for gap in ((), ("--gap-minutes", "30"), ("--gap-minutes", "60"))}
    assert [one["sessions"] for one in found.values()] == [20, 40, 20]
    values = {gap: [round(one["value"], 9) for one in of["estimates"]] for gap, of in found.items()}
    assert values["--gap-minutes", "60"] == values[()] != values["--gap-minutes", "30"]
    assert "cuts no sessions; give a number of minutes above 0" in refusal("people.csv", "--gap-minutes", "0", *options)
    assert "has no column of people; name it with --session" in refusal("rounds.csv", "--gap-minutes", "30", *options)
    assert "has no column of times; name it with --step" in refusal("sessions.parquet", "--gap-minutes", "30", *options)
    ope("sessions.parquet", "--export", "log.npz")
    assert "log.npz has none; leave it out" in refusal("log.npz", "--gap-minutes", "30", *options)


@pytest.mark.usefixtures("folder")
def test_estimated_propensities_are_marked_everywhere() -> None:
    logged().drop("propensity").write_csv("bare.csv")
    assert "--propensities estimated" in refusal("bare.csv", "--policy", "policy.csv")
    shown = ope("bare.csv", "--policy", "policy.csv", "--propensities", "estimated", *FAST)
    assert "ESTIMATED" in shown
    assert "ips (estimated propensities)" in " ".join(shown.split())
    found = json.loads(ope("bare.csv", "--policy", "policy.csv", "--propensities", "estimated", "--json", *FAST))
    marks = {one["estimator"]: one["propensities"] for one in found["estimates"]}
    assert marks == {"logged": "none", "dm": "none"} | dict.fromkeys(("ips", "clipped-ips", "snips", "dr", "switch"), "estimated")


@pytest.mark.usefixtures("folder")
def test_a_log_goes_out_and_comes_back() -> None:
    shown = ope("sessions.parquet", "--export", "log.npz", "--layout", "d3rlpy")
    assert "wrote log.npz" in shown
    options = ("--policy", "policy.csv", "--estimators", "pdis", "--json", *FAST)
    before, after = (json.loads(ope(name, *options))["estimates"] for name in ("sessions.parquet", "log.npz"))
    assert before == after


@pytest.mark.usefixtures("folder")
def test_kinds_of_events_earn_rewards() -> None:
    rounds = logged().drop("reward").with_columns(event=pl.Series(["view", "view", "buy", "cart"] * 100))
    rounds.write_csv("kinds.csv")
    options = ("--policy", "policy.csv", "--estimators", "ips", "--json", *FAST)
    found = json.loads(ope("kinds.csv", "--rewards", "view=0.2,cart=0.5,buy=1", *options))
    assert found["estimates"][0]["value"] == pytest.approx((0.4 + 0.5 + 1) / 4)
    assert any("not what they were SHOWN" in note for note in found["notes"])
    shown = json.loads(ope("rounds.csv", *options))
    assert not any("SHOWN" in note for note in shown["notes"]), "a log of shown items with rewards of its own"
    assert "kind 'cart', to which --rewards gives nothing" in refusal("kinds.csv", "--rewards", "view=0.2,buy=1", *options)
    for text in ("view", "view=nan", "view=0.2,cart", ""):
        assert "is no kind with a number" in refusal("kinds.csv", "--rewards", text, *options)
    assert "gives the kind 'view' two rewards" in refusal("kinds.csv", "--rewards", "view=0.2,view=1", *options)
    assert "no column known as the kind" in refusal("rounds.csv", "--rewards", "view=1", *options)


@pytest.mark.usefixtures("folder")
def test_a_policy_that_is_too_large_is_asked_for_its_weights_only(monkeypatch: pytest.MonkeyPatch) -> None:
    split = tiny_split()
    model = create_model("popularity", split)
    model.fit_counts(split.train)
    save_model(model, Path("model"))
    ids = split.train.vocabulary.items
    shown = {
        "item": ids.sample(300, with_replacement=True, seed=1),
        "session": np.arange(300) // 3,
        "propensity": [1 / len(ids)] * 300,
    }
    pl.DataFrame(shown | {"reward": [0.0, 1.0] * 150}).write_csv("log.csv")
    options = ("log.csv", "--policy", "model", "--temperature", "50", "--estimators", "ips,fqe", "--json", *FAST)
    whole = json.loads(ope(*options))["estimates"]
    monkeypatch.setattr("reverie.rl.ope.policy.LARGEST", 100)
    cut = {one["estimator"]: one for one in json.loads(ope(*options))["estimates"]}
    assert cut["ips"] == next(one for one in whole if one["estimator"] == "ips")
    assert "too many probabilities" in cut["fqe"]["refused"]


@pytest.mark.usefixtures("folder")
def test_numbers_without_support_are_sentences() -> None:
    pl.DataFrame({"item": [1, 77], "probability": [0.5, 0.5]}).write_csv("odd.csv")
    shown = ope("rounds.csv", "--policy", "odd.csv", *FAST)
    assert "50% of the policy's probability is on items that the log never shows (77" in " ".join(shown.split())
    assert shown.count("not given") >= 6
    assert "fewer than 390" in " ".join(ope("rounds.csv", "--policy", "policy.csv", "--least-ess", "390", *FAST).split())


BAD = {
    "has no column of rewards": ({"item": [1], "propensity": [0.5]}, ()),
    "row 2, column 'propensity': 0.0 is not a probability": ({"item": [1, 2], "reward": [1, 0], "propensity": [0.5, 0.0]}, ()),
    "row 1, column 'propensity': 1.5 is not a probability": ({"item": [1, 2], "reward": [1, 0], "propensity": [1.5, 0.5]}, ()),
    "row 2 has no value in column 'propensity'": ({"item": [1, 2], "reward": [1, 0], "propensity": [0.5, None]}, ()),
    "column 'reward': nan is not a finite number": ({"item": [1, 2], "reward": [1.0, float("nan")], "propensity": [0.5, 0.5]}, ()),
    "column 'reward': inf is not a finite number": ({"item": [1, 2], "reward": [1.0, float("inf")], "propensity": [0.5, 0.5]}, ()),
    "column 'reward': 1e+16 is not a number between": ({"item": [1, 2], "reward": [1.0, 1e16], "propensity": [0.5, 0.5]}, ()),
    "1e-200 is not a probability of 1e-100": ({"item": [1, 2], "reward": [1, 0], "propensity": [1e-200, 0.5]}, ()),
    "row 2, column 'click': 'no' is not a number": ({"item": [1, 2], "click": ["1", "no"], "propensity": [0.5, 0.5]}, ()),
    "row 2 has no value in column 'click'": ({"item": [1, 2], "click": [1.0, None], "propensity": [0.5, 0.5]}, ()),
    "'x' is not a number or a time": ({"item": [1, 2], "reward": [1, 0], "session": [1, 1], "step": ["1", "x"]}, ()),
    "row 1 has no value in column 'step'": ({"item": [1, 2], "reward": [1, 0], "session": [1, 1], "step": [None, 2]}, ()),
    "no numbers and no times; choose another with --step": ({"item": [1], "reward": [1], "session": [1], "step": [True]}, ()),
    "known as the item; its columns are reward: name one with --item": ({"reward": [1]}, ()),
    "known as the kind; its columns are item, reward: name one with --reward": (
        {"item": [1], "reward": [1]},
        ("--rewards", "view=1"),
    ),
    "with --reward, or say with --rewards what the kinds in 'event'": ({"item": [1], "event": ["view"]}, ()),
    "correct --session": ({"item": [1], "reward": [1]}, ("--session", "nothing")),
    "no estimator is named": ({"item": [1], "reward": [1], "propensity": [0.5]}, ("--estimators", "")),
    "choose a name ending in .html": ({"item": [1], "reward": [1], "propensity": [0.5]}, ("--out", "bad.parquet")),
    "does not hold numbers": ({"item": [1, 2], "reward": ["yes", "no"], "propensity": [0.5, 0.5]}, ()),
    "--gamma 1 is no discount": ({"item": [1], "reward": [1], "propensity": [0.5]}, ("--gamma", "1")),
    "have one event": (
        {"item": [1, 2], "reward": [1, 0], "propensity": [0.5, 0.5], "session": [1, 2]},
        ("--estimators", "pdis"),
    ),
    "no column of sessions": ({"item": [1], "reward": [1], "propensity": [0.5]}, ("--estimators", "fqe")),
    "no lists, which slate needs": ({"item": [1], "reward": [1], "propensity": [0.5]}, ("--estimators", "slate")),
    "unknown estimator 'ipw' (did you mean 'ips'?)": ({"item": [1], "reward": [1], "propensity": [0.5]}, ("--estimators", "ipw")),
    "is ever shown in": ({"item": [8, 9], "reward": [1, 0], "propensity": [0.5, 0.5]}, ()),
    "--given and --horizon are of sessions": ({"item": [1], "reward": [1], "propensity": [0.5]}, ("--given", "1")),
    "row 2, column 'position': nan is not a place": (
        {"item": [1, 2], "reward": [1, 0], "propensity": [0.5, 0.5], "position": [1.0, float("nan")]},
        (),
    ),
    "column 'position' holds List(Int64), not one place a row": (
        {"item": [1, 2], "reward": [1, 0], "propensity": [0.5, 0.5], "position": [[1], [2]]},
        (),
    ),
    "has two items at one position": (
        {"item": [1, 2], "reward": [1, 0], "propensity": [0.5, 0.5], "session": [1, 1], "position": [1, 1]},
        ("--estimators", "slate"),
    ),
}


@pytest.mark.parametrize("message", BAD)
@pytest.mark.usefixtures("folder")
def test_bad_logs_end_in_one_sentence(message: str) -> None:
    columns, options = BAD[message]
    pl.DataFrame(columns).write_parquet("bad.parquet")
    assert message in refusal("bad.parquet", "--policy", "policy.csv", *options)


@pytest.mark.usefixtures("folder")
def test_steps_are_dates_or_numbers_in_any_spelling() -> None:
    days = np.tile([3, 1, 2, 11], 100)
    spelt = {
        "number": pl.Series(days),
        "text": pl.Series([str(day) for day in days]),
        "date": pl.Series([f"2024-05-{day:02d}" for day in days]).str.to_date(),
        "mixed": pl.Series([f"2024-05-{day:02d}{'T00:00Z' if at % 2 else ''}" for at, day in enumerate(days)]),
        "fine": pl.Series([f"2024-05-01 00:00:00.{day:03d}" for day in days]),
    }
    session = np.repeat(np.arange(100), 4)
    said = set()
    for name, step in spelt.items():
        logged(session=session, step=step).write_csv("log.csv")
        said.add(ope("log.csv", "--policy", "policy.csv", "--estimators", "fqe", "--json", *FAST))
        assert len(said) == 1, name
    logged(session=session).write_csv("log.csv")
    assert ope("log.csv", "--policy", "policy.csv", "--estimators", "fqe", "--json", *FAST) not in said


@pytest.mark.usefixtures("folder")
def test_products_of_weights_beyond_all_numbers_give_no_number() -> None:
    long = logged(8000, session=np.repeat(np.arange(40), 200), propensity=np.full(8000, 1e-3))
    long.write_csv("long.csv")
    found = json.loads(ope("long.csv", "--policy", "policy.csv", "--least-ess", "1", "--json", *FAST))["estimates"]
    values = {one["estimator"]: one["value"] for one in found}
    assert values["pdis"] is values["wpdis"] is values["sequential-dr"] is None
    assert values["fqe"] > 0
    assert "too large for a number" in next(one["refused"] for one in found if one["estimator"] == "pdis")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"item": [1]}, "no column known as the probability; its columns are item: rename one to 'probability'"),
        ({"probability": [1.0]}, "no column known as the item; its columns are probability: rename one to 'item'"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_table_without_its_columns_is_refused(columns: dict[str, list[float]], said: str) -> None:
    pl.DataFrame(columns).write_csv("odd.csv")
    assert said in refusal("rounds.csv", "--policy", "odd.csv")


@pytest.mark.usefixtures("folder")
def test_bad_options_end_in_one_sentence() -> None:
    assert "--policy" in refusal("rounds.csv")
    assert "--propensities takes logged or estimated" in refusal(
        "rounds.csv", "--policy", "policy.csv", "--propensities", "guessed"
    )
    assert "did you mean" in refusal("rounds.csv", "--policy", "policy.csv", "--reward", "rewards")
    assert "does not exist" in refusal("rounds.csv", "--policy", "nothing.csv")
    assert "does not exist" in refusal("nothing.csv", "--policy", "policy.csv")


@pytest.mark.usefixtures("folder")
def test_what_is_no_table_has_no_columns_to_name() -> None:
    ope("rounds.csv", "--export", "log.npz")
    for log in ("log.npz", "session-world-small"):
        assert f"--item names a column of a table, and {log} is none" in refusal(log, "--policy", "policy.csv", "--item", "item")
    os.mkfifo("pipe.npz")
    assert "pipe.npz is no regular file" in refusal("pipe.npz", "--policy", "policy.csv")


@pytest.mark.usefixtures("folder")
def test_a_run_of_another_catalogue_is_refused() -> None:
    split = tiny_split()
    model = create_model("popularity", split)
    model.fit_counts(split.train)
    save_model(model, Path("model"))
    pl.DataFrame({"item": ["a", "b"], "reward": [1, 0], "propensity": [0.5, 0.5]}).write_csv("other.csv")
    assert "no item of model 'popularity' is ever shown in other.csv" in refusal("other.csv", "--policy", "model")
