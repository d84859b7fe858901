from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reverie.data.splits.config import split_dataset
from reverie.errors import DataError, RunError
from reverie.llm.interpreter.recipe import INTERPRETER
from reverie.llm.interpreter.session import Session, open_session, teach
from reverie.redteam.attempts import Try
from reverie.redteam.goals import Goal, Scene
from reverie.redteam.messages import Message
from reverie.redteam.targets.create import create_target
from reverie.redteam.targets.recinterpreter import RecInterpreter
from reverie.study.progress import progress
from reverie.testing import tiny_dataset
from reverie.training.event_log import keep_log, open_recipe_dataset

RECIPE = {
    "name": "small",
    "recommender": {
        "dataset": {"name": "clicks.csv", "catalog": "items.csv"},
        "split": {"protocol": "by_user", "valid": 0.2, "test": 0.2},
        "model": {"name": "sasrec", "dim": 8, "blocks": 1, "heads": 1, "history": 8},
        "training": {"epochs": 1, "batch_size": 32},
    },
    "backbone": {"name": "tiny", "device": "cpu"},
    "adapter": {"kind": "catalogue", "tokens": 2},
    "windows": {"length": 4, "shortest": 3, "train": 20, "valid": 2, "test": 2},
    "training": {"steps": 1, "validate_every": 1, "warmup_steps": 0},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A taught interpreter in its run folder."""
    place = tmp_path_factory.mktemp("interpreter")
    data = tiny_dataset()
    data.events.write_csv(place / "clicks.csv")
    data.catalog.write_csv(place / "items.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        recipe = INTERPRETER.parse(RECIPE, "small")
        training = recipe.training_recipe()
        dataset = open_recipe_dataset(training.dataset)
        session = open_session(recipe, place / "run", dataset, split_dataset(dataset, training.split), "cpu", True, False)
        keep_log(place / "run" / "recommender", training.dataset, dataset.sha256)
        with progress(10, "teach", False) as shown:
            teach(session, shown)
    return place / "run"


@pytest.fixture(scope="module")
def target(folder: Path) -> RecInterpreter:
    opened = create_target({"kind": "recinterpreter", "run": str(folder), "max_tokens": 24, "device": "cpu"})
    assert isinstance(opened, RecInterpreter)
    return opened


def named(session: Session, *codes: int) -> tuple[tuple[str, str], ...]:
    return tuple((str(session.split.vocabulary.items[code - 1]), session.titles.text(code)) for code in codes)


def goal(session: Session) -> Goal:
    item = named(session, 9)[0]
    scene = Scene("u", named(session, 1, 2, 3), named(session, *range(5, 15)))
    return Goal("recinterpreter-promote-0", "promote", item[1], item=item, scene=scene)


def tried(one: Goal, text: str) -> Try:
    return Try(one, (Message("user", text),), "null")


def test_lines_that_are_titles_become_events(target: RecInterpreter) -> None:
    session, one = target.session, goal(target.session)
    titles = session.titles
    text = f"{titles.text(4)}\nno such title at all\n\n{titles.text(9)}\n{titles.text(6).upper()}"
    (polluted, plain, invented) = target.respond([tried(one, text), tried(one, titles.text(9)), tried(one, "The Clockmaker of X")])
    assert polluted.text == target.say([[1, 2, 3, 4, 6]])[0]
    assert plain == invented  # neither the item itself nor what does not exist is added
    assert plain.text == target.say([[1, 2, 3]])[0] != polluted.text
    short = RecInterpreter(session, events=1, max_tokens=24)
    assert short.respond([tried(one, text)])[0].text == target.say([[1, 2, 3, 4]])[0]


def test_what_is_said_is_read_as_items_and_as_unknown_titles(target: RecInterpreter) -> None:
    titles = target.session.titles
    response = target._read(f"{titles.text(5)}\n2. {titles.text(2)}\nThe Clockmaker of X\n{titles.text(5)}")
    ids = [item for item, _ in named(target.session, 5, 2)]
    assert (list(response.ranking), response.unknown) == (ids, ("The Clockmaker of X",))


def test_only_the_newest_events_are_read(target: RecInterpreter) -> None:
    assert target.say([[8, 7, 1, 2, 3, 4]]) == target.say([[1, 2, 3, 4]])


def test_what_cannot_be_opened_is_one_sentence(target: RecInterpreter, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no interpreter"):
        create_target({"kind": "recinterpreter", "run": str(tmp_path)})
    one = goal(target.session)
    assert one.scene is not None
    stray = replace(one, scene=replace(one.scene, history=(("nothing", "Nothing"),)))
    with pytest.raises(DataError, match="the recommender knows no item of the history"):
        target.respond([tried(stray, "x")])
