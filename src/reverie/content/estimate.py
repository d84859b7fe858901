"""What a content study costs before it begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reverie.content.cells import ContentCell
from reverie.content.study import ContentStudy
from reverie.models.shelf import MODELS
from reverie.study.progress import duration
from reverie.video.estimate import SECONDS as PIXEL

STEP, EVENT = 0.02, 2e-5
"""Seconds of an update, and more for each event in it, of a small network over histories on one processor core."""
QUESTION, CELL = 2e-4, 1.0
"""Seconds of a question of validation or test, and of what every training costs beside its epochs: model, files, measures."""
CONTENT = 1.3
"""An epoch over frozen features in epochs over ids."""
SOUND = 0.1
"""A pass over the sound of a clip in passes over its frames."""


def estimate_sentences(study: ContentStudy) -> Iterator[str]:
    """Yield what is missing, in words: trainings, and the most time that one processor core takes."""
    missing = [cell for cell in study.cells({}) if isinstance(cell, ContentCell) and not study.is_kept(cell)]
    if not missing:
        return
    seconds = sum(cell_seconds(study, cell) for cell in missing)
    count = f"{len(missing):,} training{'s' * (len(missing) != 1)}"
    yield f"{count}; at most about {duration(seconds)} on one processor core, less where validation stops a training early"


def cell_seconds(study: ContentStudy, cell: ContentCell) -> float:
    """Return about how long a training takes at most."""
    split, training = study.opened[cell.data].split, study.recipe.training_of(cell.data, cell.recommender, cell.encoder)
    encoder = study.recipe.encoders.get(cell.encoder)
    options = encoder.set if encoder else {}
    tested = CELL + QUESTION * len(split.test) * (1 + len(encoder.drop) if encoder else 1)
    if "learns" not in MODELS[study.recipe.recommenders[cell.recommender].model].tags:
        return tested + EVENT * split.train.n_events
    questions = min(len(split.valid), training.validation_queries or len(split.valid))
    items, updates = split.vocabulary.n_items, -(-len(split.train) // training.batch_size)
    learned = STEP * updates + EVENT * split.train.n_events
    epoch = learned * (1.0 if options.get("kind", "id") == "id" else CONTENT) + QUESTION * questions
    looked_at = min(items, training.batch_size * split.train.n_events / max(1, len(split.train))) * updates + items / 3
    return tested + training.epochs * (epoch + looked_at * sum(_clip_seconds(study, cell.data, one) for one in _parts(options)))


def _parts(options: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(options.get("parts", [options]))


def _clip_seconds(study: ContentStudy, data: str, options: Mapping[str, Any]) -> float:
    """Return the time of one pass forwards and backwards over a clip."""
    folder = study.opened[data].clips
    if options.get("kind") not in ("video", "audio") or options.get("tuning") == "frozen" or folder is None:
        return 0.0
    from reverie.video.preparing.index import read_index

    side = read_index(folder).size
    whole: float = PIXEL * int(options.get("frames", 8)) * side**2
    return whole if options["kind"] == "video" else SOUND * whole
