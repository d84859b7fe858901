"""Training, validation and test clips: by folds that never divide a source, or by published parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reverie.errors import ConfigError, DataError
from reverie.seeds import numpy_generator
from reverie.video.clip_set import ClipSet

Integers = NDArray[np.int64]
_TRIES = 16
"""Orders of sources that are tried for the validation clips."""


@dataclass(frozen=True)
class ClipSplit:
    """Clips by use, as numbers of clips in ascending order; no clip has two uses, and none is without a label.

    Parameters
    ----------
    protocol : str
        ``source-disjoint folds``, ``folds`` (where no source is known) or ``parts``.
    train, valid, test : int64 arrays
        Where sources are known, each stands in one of them only; of published parts this holds for training and validation.
    """

    protocol: str
    train: Integers
    valid: Integers
    test: Integers


def split_by_fold(clips: ClipSet, fold: int, seed: int, valid: float = 0.2) -> ClipSplit:
    """Test on one fold, and train and validate on the others.

    Parameters
    ----------
    clips : ClipSet
        With folds that do not divide a source.
    fold : int
    seed : int
        Of the draw of validation clips.
    valid : float
        Share of the remaining clips to choose by; whole sources are taken.

    Returns
    -------
    ClipSplit

    Raises
    ------
    DataError
        If a source stands in several folds, or a part has no clip.
    ConfigError
        If there is no such fold.
    """
    check_sources(clips)
    known = clips.labels >= 0
    folds = np.unique(clips.folds[known])
    if fold not in folds or fold < 0:
        numbers = ", ".join(str(one) for one in folds if one >= 0) or "none"
        raise ConfigError(f"{clips.name} has no fold {fold}; its folds are {numbers}")
    rest = np.flatnonzero(known & (clips.folds != fold) & (clips.folds >= 0))
    protocol = "source-disjoint folds" if any(clips.groups) else "folds"
    return _split(clips, protocol, rest, np.flatnonzero(known & (clips.folds == fold)), seed, valid)


def split_by_part(clips: ClipSet, seed: int = 0, valid: float = 0.2) -> ClipSplit:
    """Take the parts as they were published; without a validation part, some training clips are kept back for it.

    Parameters
    ----------
    clips : ClipSet
        With parts ``train`` and ``test``.
    seed, valid
        As of `split_by_fold`; used where no validation part was published.

    Returns
    -------
    ClipSplit

    Raises
    ------
    DataError
        If a part has no clip.
    """
    parts, known = np.array(clips.parts), clips.labels >= 0
    if not any(clips.parts):
        raise DataError(
            f"{clips.name} has no folds and no parts to train and test on; ask for folds (in a recipe: folds: 5), "
            "or give clips.csv a column fold, or a column split with train and test, and prepare it again"
        )
    train, given, test = (np.flatnonzero(known & (parts == part)) for part in ("train", "valid", "test"))
    if len(given) and len(train) and len(test):
        return ClipSplit("parts", train, given, test)
    return _split(clips, "parts", train, test, seed, valid)


def _split(clips: ClipSet, protocol: str, rest: Integers, test: Integers, seed: int, valid: float) -> ClipSplit:
    if not 0 < valid < 1:
        raise ConfigError(f"valid={valid} must lie between 0 and 1")
    groups = source_numbers(clips)
    kept = keep_back(clips.labels[rest], groups[rest], valid, seed) if len(rest) else np.zeros(0, bool)
    split = ClipSplit(protocol, rest[~kept], rest[kept], test)
    for part in ("train", "valid", "test"):
        if not len(getattr(split, part)):
            raise DataError(f"{clips.name} has no clips to {_USES[part]}; add clips of other sources, or choose another split")
    return split


_USES = {"train": "train on", "valid": "validate on that are of other sources than those to train on", "test": "test on"}


def source_numbers(clips: ClipSet) -> Integers:
    """Return a number for the source of each clip; a clip whose source is not known is its own."""
    names = [f"source {group}" if group else f"clip {name}" for group, name in zip(clips.groups, clips.ids, strict=True)]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def check_sources(clips: ClipSet) -> None:
    """Refuse folds that divide a source: the same scene would be learned and tested."""
    numbers = source_numbers(clips)
    pairs = np.unique(np.stack([numbers, clips.folds])[:, clips.folds >= 0], axis=1)
    divided = pairs[0, 1:][pairs[0, 1:] == pairs[0, :-1]]
    if len(divided):
        name = clips.groups[int(np.flatnonzero(numbers == divided[0])[0])]
        folds = " and ".join(map(str, pairs[1, pairs[0] == divided[0]]))
        raise DataError(f"{clips.name}: source '{name}' stands in folds {folds}; put all clips of a source into one fold")


def with_folds(clips: ClipSet, folds: int, seed: int = 0) -> ClipSet:
    """Return clips in folds of about equal size and mixture of classes, none of which divides a source.

    Parameters
    ----------
    clips : ClipSet
    folds : int
    seed : int
        Of the order of sources of equal size.

    Returns
    -------
    ClipSet

    Raises
    ------
    DataError
        If there are fewer sources than folds.
    """
    numbers, known = source_numbers(clips), clips.labels >= 0
    made = np.full(len(clips), -1, np.int64)
    made[known] = draw_folds(clips.labels[known], numbers[known], folds, seed, clips.name)
    return replace(clips, folds=made)


def draw_folds(labels: Integers, groups: Integers, folds: int, seed: int, name: str = "the set") -> Integers:
    """Put each group into the fold where it evens out the classes most, large ones first; labels and groups [N] → [N]."""
    counts = _class_counts(labels, groups)
    present = np.flatnonzero(counts.sum(1))
    if len(present) < folds or folds < 2:
        raise DataError(f"{name} has {len(present)} sources for {folds} folds; choose 2 folds or more, and no more than sources")
    shuffled = numpy_generator(seed, "folds").permutation(present)
    order = shuffled[np.argsort(-counts[shuffled].sum(1), kind="stable")]
    held, chosen = np.zeros((folds, counts.shape[1])), np.zeros(len(counts), np.int64)
    for group in order:
        fold = int(np.argmin((2 * held * counts[group]).sum(1) + 1e-6 * held.sum(1)))  # growth of the sum of squares
        held[fold] += counts[group]
        chosen[group] = fold
    return chosen[groups]


def keep_back(labels: Integers, groups: Integers, share: float, seed: int) -> NDArray[np.bool_]:
    """Return which clips are kept back for validation: whole groups, about a share of each class; labels and groups [N] → [N]."""
    counts = _class_counts(labels, groups)
    wanted, generator = share * counts.sum(0), numpy_generator(seed, "validation clips")
    best, least = np.zeros(len(counts), bool), np.inf
    for _ in range(_TRIES):
        held, chosen = np.zeros(counts.shape[1]), np.zeros(len(counts), bool)
        for group in generator.permutation(np.flatnonzero(counts.sum(1))):
            more = held + counts[group]
            nearer = not held.any() or ((more - wanted) ** 2).sum() < ((held - wanted) ** 2).sum()
            if nearer and ((counts.sum(0) > more) | (counts[group] == 0)).all():
                held, chosen[group] = more, True
        apart = ((held - wanted) ** 2).sum() if held.any() else np.inf
        if apart < least:
            best, least = chosen, apart
    return best[groups]


def _class_counts(labels: Integers, groups: Integers) -> NDArray[np.float64]:
    """Return how many clips of each class a group has → [groups, classes]."""
    counts = np.zeros((groups.max() + 1, labels.max() + 1))
    np.add.at(counts, (groups, labels), 1)
    return counts
