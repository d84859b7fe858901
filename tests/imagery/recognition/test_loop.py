"""Rounds of feedback: what is sent back, who measures, and when it stops."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from test_imagery_study import recipe
from toy_pictures import CONCEPTS, ToyJudge, ToyLab

from reverie.imagery.recognition.cells import LoopCell
from reverie.imagery.recognition.loop import go_round
from reverie.imagery.recognition.settings import StageSettings
from reverie.imagery.records import DepictedObject, ObjectSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.imagery.recognition.made import Layers, Made

SETTINGS = StageSettings(objects=2)


class Watched(ToyLab):
    """Remembers what was sent back, and who looked at how many pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.back: list[tuple[str, ...]] = []
        self.judges: dict[str, ToyJudge] = {}

    def again(self, layers: Layers, without: Sequence[str], settings: StageSettings, seed: int) -> Layers:
        self.back.append(tuple(without))
        return super().again(layers, without, settings, seed)

    def open_image_judge(self, name: str) -> ToyJudge:
        return self.judges.setdefault(name, Looker(name))


class Looker(ToyJudge):
    looked = 0

    def scores(self, shown: Sequence[Any], words: Sequence[str]) -> Any:
        self.looked += len(shown)
        return super().scores(shown, words)


def useless(made: Made) -> Made:
    """Return a concept that is shown by two things that say nothing."""
    things = ObjectSet(objects=tuple(DepictedObject(phrase=one) for one in ("stone", "stick")))
    return made.model_copy(update={"chosen": made.chosen.model_copy(update={"objects": things})})


def rounds(lab: Watched, guided: bool, folder: Path) -> dict[str, Any]:
    values = {"guide": "guide", "judge": "looker", "rounds": 3, "best_of": 1}
    judges = lab.open_image_judge("guide"), lab.open_image_judge("looker")
    made = [useless(one) for one in lab.make(CONCEPTS[:6], 0, SETTINGS, lambda _: None)]
    return go_round(lab, recipe(loop=values), LoopCell(0, SETTINGS, "toy", guided), made, judges, folder, lambda _: None)


def test_what_the_guide_saw_most_is_replaced_and_a_recognised_picture_is_left_alone(tmp_path: Path) -> None:
    lab = Watched()
    found = rounds(lab, True, tmp_path)
    assert set(lab.back) == {("stick",)} or set(lab.back) == {("stone",)}  # both score alike; the first of them is what is seen
    assert found["stopped"] == [2] * 6  # two of three things are left to draw, and one of them says the concept
    first, second, third = (np.array(one["random"]["greater"]) for one in found["rounds"])
    assert (second <= first).all()
    assert (second == third).all()
    assert lab.judges["guide"].looked == 12  # six pictures a round, none once a concept is recognised
    assert lab.judges["looker"].looked == 6 * 3 * 2  # every round, on both kinds of lists, and never in between


def test_the_control_draws_what_it_replaces_at_the_same_number_of_pictures(tmp_path: Path) -> None:
    lab, other = Watched(), Watched()
    (tmp_path / "guided").mkdir()
    (tmp_path / "drawn").mkdir()
    rounds(lab, True, tmp_path / "guided")
    found = rounds(other, False, tmp_path / "drawn")
    assert {back for back in other.back if back} == {("stick",), ("stone",)}
    assert len(other.back) == len(lab.back)
    assert rounds(Watched(), False, tmp_path / "drawn") == found  # the same seed, the same rounds
