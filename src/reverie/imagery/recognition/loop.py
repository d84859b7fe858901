"""Rounds from picture to concept and back: a matcher guesses, and what misled it goes back to the object stage.

A matcher in the loop (the guide) chooses the best of several pictures; where it does not recognise the concept, the object that it
sees most in the picture, be it the word that it named or what led it to another concept, is replaced. Another judge, which never
chose, measures every round. The control replaces an object that is drawn by the seed, at the same number of pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from reverie.files import atomic_path
from reverie.imagery.judging.closed_lists import DISTRACTORS
from reverie.imagery.judging.guesses import guess, judged
from reverie.imagery.recognition.cells import LoopCell, Places
from reverie.imagery.recognition.lab import Lab
from reverie.imagery.recognition.made import Layers, Made
from reverie.imagery.recognition.recipe import ImageryRecipe
from reverie.imagery.roles import ImageJudge, Renderer, Scene
from reverie.seeds import numpy_generator

CONDITION = "D"
"""What is painted."""


@dataclass
class _State:
    """Where a concept stands: its best picture, what is shown in it, and what was sent back."""

    made: Made
    layers: Layers
    words: tuple[str, ...]
    picture: bytes = b""
    margin: float = -np.inf
    named: str = ""
    seen: str | None = None
    sent_back: list[str] = field(default_factory=list)
    stopped: int | None = None


def go_round(
    lab: Lab,
    recipe: ImageryRecipe,
    cell: LoopCell,
    made: Sequence[Made],
    judges: tuple[ImageJudge, ImageJudge],
    folder: Path,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Go round until every concept is recognised or the rounds are over.

    Parameters
    ----------
    lab : Lab
        Does the work.
    recipe : ImageryRecipe
        Says how many rounds and pictures.
    cell : LoopCell
        Seed, settings, renderer, and whether readings are fed back.
    made : sequence of Made
        What the stages made of each concept.
    judges : (ImageJudge, ImageJudge)
        The guide, and the one that measures.
    folder : Path
        Takes the last pictures.
    tell : callable
        Is told which round it is.

    Returns
    -------
    dict
        The fields of `Looped` but time and place.
    """
    rules = recipe.loop
    if rules is None:
        raise ValueError("recipe: it has no loop")
    renderer, (guide, judge) = lab.open_renderer(cell.renderer), judges
    concepts = [one.concept for one in made]
    lists = {name: lab.lists(concepts, name) for name in DISTRACTORS}
    states = [
        _State(one, one.chosen, tuple(sorted({word for name in DISTRACTORS for word in lists[name][at].words})))
        for at, one in enumerate(made)
    ]
    rounds = []
    for at in range(1, rules.rounds + 1):
        tell(f"round {at}")
        for state in states:
            if state.stopped is None:
                _one_round(lab, recipe, cell, state, renderer, guide, at)
        shown = [state.picture for state in states]
        rounds.append({name: asdict(Places.of(guess(judge, shown, lists[name]))) for name in DISTRACTORS})
    for number, state in enumerate(states):
        with atomic_path(folder / f"{number:04d}.png") as temporary:
            temporary.write_bytes(state.picture)
    stopped = [state.stopped for state in states]
    return {"concepts": concepts, "rounds": rounds, "stopped": stopped, "best_of": rules.best_of}


def _one_round(
    lab: Lab, recipe: ImageryRecipe, cell: LoopCell, state: _State, renderer: Renderer, guide: ImageJudge, at: int
) -> None:
    """Paint several pictures of a concept, keep the best of them and of those before, and read it."""
    rules = recipe.loop
    assert rules is not None  # noqa: S101  # `go_round` checked it
    if at > 1 and (back := _sent_back(state, cell, at)) is not None:
        state.sent_back.append(back)
    tried: list[tuple[Layers, Scene]] = []
    for candidate in range(rules.best_of):
        draw = numpy_generator(cell.seed, "rounds of feedback", state.made.concept, at, candidate)
        seed = int(draw.integers(2**31))
        layers = state.layers if at == 1 and not candidate else lab.again(state.made.chosen, state.sent_back, cell.settings, seed)
        made = state.made.model_copy(update={"chosen": layers})
        asked = lab.ask(CONDITION, made, made, cell.settings, seed)
        tried.append((layers, Scene(asked.prompt, asked.objects, asked.form, seed, recipe.size)))
    pictures = [one.png for one in renderer.render([scene for _, scene in tried])]
    for (layers, _), picture in zip(tried, pictures, strict=True):
        objects = [thing.phrase for thing in layers.objects.objects if thing.phrase not in state.words]
        scores = judged(guide, [picture], [*state.words, *objects])[0]
        own = state.words.index(state.made.concept)
        others = np.delete(scores, own)
        if float(scores[own] - others.max()) > state.margin:
            state.margin, state.picture, state.layers = float(scores[own] - others.max()), picture, layers
            state.named = [*state.words, *objects][int(scores.argmax())]
            state.seen = objects[int(scores[len(state.words) :].argmax())] if objects else None
    if state.margin > 0:
        state.stopped = at


def _sent_back(state: _State, cell: LoopCell, at: int) -> str | None:
    """Return the object that is replaced: the one that the guide saw most, or one drawn by the seed."""
    there = [thing.phrase for thing in state.layers.objects.objects if thing.phrase not in state.sent_back]
    if not there:
        return None
    if cell.guided:
        return state.seen if state.seen in there else there[0]
    return there[int(numpy_generator(cell.seed, "object drawn anew", state.made.concept, at).integers(len(there)))]
