"""What a recognition study costs before it begins."""

from __future__ import annotations

from collections.abc import Iterator

from reverie.study.progress import duration
from reverie.video.recipe import VideoRecipe
from reverie.video.study import VideoStudy

COST = {"sv-mix": 2.6, "sv-mix-untrained": 1.4, "sv-mix-random": 1.3, "saliency": 1.3}
"""An update of a method in updates of one that looks at no features, by the number of passes forwards and backwards."""
SECONDS = 0.28 / (16 * 8 * 64**2)
"""Of one pixel of one frame of one update, by a network of this room's default width on one processor core."""
EVALUATED = 1 / 3
"""A pass forwards in parts of an update."""


def estimate_sentences(study: VideoStudy) -> Iterator[str]:
    """Yield what is missing, in words: trainings, updates, and the time that one processor core takes, evaluations included."""
    recipe = study.recipe
    missing = [cell for cell in study.trainings() if not study.is_kept(cell)]
    if not missing:
        return
    updates, seconds = 0, 0.0
    for cell in missing:
        config = recipe.training_of(cell.clips, cell.network, cell.method)
        each = SECONDS * config.frames * config.size**2
        cost = COST.get(recipe.methods[cell.method].kind, 1.0)
        updates += config.steps
        measured = tested(recipe, cell.clips) + config.recalibration * config.batch_size
        passes = 2 * len(config.evaluated_after(config.steps)) * measured * config.views
        seconds += each * (config.steps * config.batch_size * cost + passes * EVALUATED)
    trainings = f"{len(missing):,} training{'s' * (len(missing) != 1)}"
    yield f"{trainings} with {updates:,} updates; about {duration(seconds)} on one processor core with networks of default width"


def tested(recipe: VideoRecipe, clips: str) -> int:
    """Return about how many clips an evaluation sees: test and validation clips of generated sets, of others a hundred."""
    one = recipe.sets[clips]
    return 100 if one.clips is None else one.test + round(one.valid * one.clips)
