"""The commands whose outputs are kept, in groups that share a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

Ask = Callable[..., str]

VERBS = (
    "demo", "train", "sweep", "evaluate", "compare", "contrast", "attack", "defend", "robustness", "collm", "judge", "recommend",
    "interpret", "explain", "export", "models", "doctor", "data list", "data fetch", "data describe", "data convert",
    "recipes list", "recipes copy", "recipes validate",
)  # fmt: skip
SLOW = frozenset(
    {
        "robustness-amazon-beauty",
        "robustness-ml-1m",
        "train-co-occurrence-ml-1m",
        "train-sasrec-sports",
        "train-sasrec-toys",
        *(f"interpret-recinterpreter-sasrec-{name}" for name in ("amazon-toys-short", "lastfm-short", "ml-100k", "ml-100k-last")),
        "interpret-recinterpreter-dreamrec-ml-100k",
    }
)
"""Only with ``--all``: groups that take more than two minutes, and such as do nearly what another one does."""
TINY = """name: tiny
dataset: {name: tiny.csv, catalog: titles.csv}
model: {name: sasrec, dim: 16, history: 12}
training: {epochs: 2, batch_size: 16}
sweep:
  trials: 3
  space:
    training.learning_rate: {low: 0.0005, high: 0.003, log: true}
    model.dropout: {values: [0.1, 0.2, 0.3]}
"""


@dataclass(frozen=True)
class Group:
    """Commands that are run one after another in one folder.

    Parameters
    ----------
    name : str
        Of the folder.
    commands : tuple of str
        Words after ``reverie``; quotes as in a shell.
    tiny : bool
        Whether the folder holds the made-up log, its titles and recipe.
    """

    name: str
    commands: tuple[str, ...]
    tiny: bool = False


def groups(ask: Ask) -> list[Group]:
    """Return all groups, quick ones first.

    Parameters
    ----------
    ask : callable
        Runs ``reverie`` with words and returns what it printed.

    Returns
    -------
    list of Group
        Packaged recipes are those that the command lists.
    """

    def named(words: str) -> list[str]:
        return [one["name"] for one in json.loads(ask(*words.split(), "--json"))]

    studies = {verb: named(f"{verb} --list") for verb in ("contrast", "collm", "robustness", "interpret")}
    lists = [f"{verb} --list{json}" for verb in (*studies, "attack", "defend") for json in ("", " --json")]
    lists += [f"{words}{json}" for words in ("models", "models sasrec", "recipes list", "data list") for json in ("", " --json")]
    lists += ["recipes copy sasrec-beauty copied.yaml", "recipes validate copied.yaml", "--version"]
    models = ",".join(name for name in json.loads(ask("models", "--json")) if name != "collm")  # which needs weights
    every = f"compare tiny.csv --catalog titles.csv --models {models} --set training.epochs=1 --results rows.csv --out out"
    two = "compare tiny.csv --models popularity,mf --set training.epochs=1"
    found = [
        Group("lists", tuple(lists)),
        Group("help", ("--help", *(f"{verb} --help" for verb in VERBS))),
        Group("mistakes", MISTAKES, tiny=True),
        Group("tiny", TINY_COMMANDS, tiny=True),
        Group("tiny-models", (f"{every} --json", every), tiny=True),
        Group("tiny-protocols", tuple(f"{two} --protocol {name} --out {name} --json" for name in PROTOCOLS), tiny=True),
        Group("demo", ("demo --smoke --out out",)),
    ]
    for name in named("recipes list"):
        short = f"train {name} --set training.epochs=1 --set training.validate_every=1 --results rows.csv --out out"
        found.append(Group(f"train-{name}", (f"{short} --json",)))
    suites = {
        "sequential": "ml-100k --rows markov,co-occurrence,daydream",
        "collaborative": "cf-lastfm --rows item-knn,mf-bpr,mf-bsl",
    }
    for name, on in suites.items():
        words = f"compare {name} --on {on} --seeds 1 --set training.epochs=1 --out out"
        found.append(Group(f"compare-{name}", (f"{words} --json", words)))
    for verb, names in studies.items():
        for name in names:
            smoke = f"{verb} {name} --smoke --results rows.csv --out out"
            more = (smoke, *MORE.get(verb, ())) if name in AGAIN else ()
            found.append(Group(f"{verb}-{name.removeprefix(f'{verb}-')}", (f"{smoke} --json", *more)))
    for verb in ("attack", "defend"):
        smoke = f"{verb} robustness-filmtrust --smoke --results rows.csv --out out"
        found.append(Group(verb, (f"{smoke} --json", smoke)))
    return found


AGAIN = frozenset({"robustness-filmtrust", "recinterpreter-dreamrec-ml-100k-short", "collm-ml-100k", "graph-mutag"})
"""Recipes whose smoke is asked for a second time, for the table in the terminal."""
MORE = {
    "interpret": ("explain --run out --user 1", "explain --run out --user 1 --json"),
    "collm": (
        "evaluate out",
        "evaluate out --on valid --json",
        "attack out --smoke --results attack.csv --json",
        "attack out --smoke",
    ),
}
"""What is asked about the first finished smoke of a verb."""
COMPARE = "compare tiny.csv --catalog titles.csv --models popularity,markov,co-occurrence,sasrec --seeds 2 --refit"
TINY_COMMANDS = (
    "data describe tiny.csv --catalog titles.csv --json",
    "data describe tiny.csv",
    "data convert tiny.csv converted.inter --catalog titles.csv",
    "train tiny.yaml --out run --results rows.csv",
    "train tiny.yaml --out run --json",
    "evaluate run --metrics recall@10,ndcg@20,mrr@10,coverage@10 --json",
    "evaluate run --seen keep --on valid",
    "recommend run 'Tale 03' 'Tale 06' -k 5 --json",
    "recommend run --user 107 -k 5",
    "recommend run --all lists.parquet -k 12",
    "judge mine=lists.parquet theirs=theirs.csv --dataset tiny.csv --protocol leave_one_out --results rows.csv --json",
    "judge mine=lists.parquet theirs=theirs.csv --dataset tiny.csv --protocol leave_one_out --drop-seen",
    "attack run --set candidates=11 --set events=2 --results attack.csv --json",
    "attack run --set candidates=11 --set events=2",
    "export run exported --json",
    "sweep tiny.yaml --out sweep --json",
    "sweep tiny.yaml --out sweep",
    f"{COMPARE} --set training.epochs=1 --results rows.csv --out compared --json",
    f"{COMPARE} --set training.epochs=1 --results rows.csv --out compared",
    "compare compared/markov-tiny-seed0 compared/sasrec-tiny-seed0 --out two",
)
PROTOCOLS = ("temporal", "by_user", "by_sequence")
MISTAKES = (
    "compare tiny.csv --models collm --catalog titles.csv",
    "train nothing",
    "train tiny.yaml --set training.epoch=1",
    "train tiny.yaml --set model.dropout=2",
    "compare tiny.csv --models sasrex",
    "compare tiny.csv --protocol given",
    "compare tiny.csv --user member",
    "compare sequential",
    "contrast graph-mutga",
    "robustness robustness-filmtrust --set budgets=[0]",
    "interpret nothing",
    "collm nothing",
    "evaluate nowhere",
    "recommend nowhere 'Tale 03'",
    "judge tiny.csv",
    "explain --run nowhere --user 1",
    "export nowhere out",
    "sweep sasrec-ml-100k",
    "data describe missing.csv",
    "data fetch movietweetings-10k",
)


def write_tiny(folder: Path) -> None:
    """Write a made-up log in which the next item mostly follows from the last one, its titles, and a recipe.

    Parameters
    ----------
    folder : Path
        Gets ``tiny.csv``, ``titles.csv``, ``tiny.yaml``, and ``theirs.csv`` with lists of another system.
    """
    users, items = 60, 50
    draw = np.random.default_rng(5)
    lengths = draw.integers(15, 36, users)
    user = np.repeat(np.arange(users), lengths)
    place = np.arange(len(user)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    noise = np.where(draw.random(len(user)) < 0.2, draw.integers(0, items, len(user)), 0)
    item = (draw.integers(0, items, users)[user] + 3 * place + noise) % items
    time = 1_600_000_000 + 3600 * (draw.integers(0, 24 * 200, users)[user] + 5 * place)
    rating = draw.integers(1, 6, len(user))
    events = pl.DataFrame({"user": user + 100, "item": [f"a{i:02d}" for i in item], "timestamp": time, "rating": rating})
    events.write_csv(folder / "tiny.csv")
    titles = pl.DataFrame({"item": [f"a{i:02d}" for i in range(items)], "title": [f"Tale {i:02d}" for i in range(items)]})
    titles.write_csv(folder / "titles.csv")
    pairs = titles.select("item").join(events.select("user").unique(maintain_order=True), how="cross")
    pairs.with_columns(score=pl.Series(draw.random(pairs.height).round(4))).write_csv(folder / "theirs.csv")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
