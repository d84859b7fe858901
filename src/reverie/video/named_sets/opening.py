"""Opens a set of clips by its name or folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.errors import ConfigError, DataError, unknown
from reverie.options import checked
from reverie.video.baselines import baseline_accuracies
from reverie.video.clip_set import ClipSet
from reverie.video.named_sets.facts import NAMED, SetFacts
from reverie.video.splits import ClipSplit, split_by_fold, split_by_part, with_folds

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHAPES = re.compile(r"moving-shapes(-(?P<clips>\d{1,6}))?")


@dataclass(frozen=True)
class OpenedSet:
    """A set of clips and what is known of it.

    Parameters
    ----------
    clips : ClipSet
    facts : SetFacts
    masks : bool array [N, F, H, W] or None
        Where the object is, of generated clips.
    metadata : tuple of str or None
        What each clip's file tells of it without being looked at.
    """

    clips: ClipSet
    facts: SetFacts
    masks: NDArray[np.bool_] | None = None
    metadata: tuple[str, ...] | None = None

    @property
    def folds(self) -> tuple[int, ...]:
        """Return the numbers of the folds; none where the clips come in parts."""
        return tuple(int(fold) for fold in np.unique(self.clips.folds) if fold >= 0)

    def folded(self, folds: int) -> OpenedSet:
        """Return the set in folds: its own where it has some, otherwise so many that divide no source, which are always the same.

        Parameters
        ----------
        folds : int
            0 leaves the set as it is.
        """
        return replace(self, clips=with_folds(self.clips, folds)) if folds and not self.folds else self

    def split(self, fold: int | None = None, seed: int = 0, valid: float = 0.2) -> ClipSplit:
        """Return clips by use: one fold is tested on or, where there are none, the published test part.

        Parameters
        ----------
        fold : int, optional
            Needed where the set has folds.
        seed, valid
            As of `reverie.video.splits.split_by_fold`.
        """
        if not self.folds:
            if fold is not None:
                raise ConfigError(f"{self.clips.name} has no folds; leave fold out")
            return split_by_part(self.clips, seed, valid)
        if fold is None:
            raise ConfigError(f"{self.clips.name} is measured fold by fold; choose one of {', '.join(map(str, self.folds))}")
        return split_by_fold(self.clips, fold, seed, valid)

    def baselines(self, seed: int = 0) -> dict[str, float]:
        """Return accuracies of what does not see motion, over all folds: see `reverie.video.baselines.baseline_accuracies`."""
        splits = [self.split(fold, seed) for fold in self.folds or (None,)]
        return baseline_accuracies(self.clips, splits, self.metadata)


def open_named_set(
    name: str | Path,
    size: int = 80,
    *,
    folder: str | Path | None = None,
    say: Callable[[str], None] = lambda line: None,
    show: bool = False,
    **options: Any,
) -> OpenedSet:
    """Open a set of clips.

    Parameters
    ----------
    name : str or path
        ``moving-shapes`` (or ``moving-shapes-500``, with so many training clips), ``colored-shape-actions``, ``fight-300``, or a
        folder that `reverie.video.prepare.prepare_folder` made.
    size : int
        Width and height of the stored frames.
    folder : path, optional
        Where a recorded set lies; by default its name below ``$REVERIE_DATA``. It is prepared once into the cache. Nothing is
        ever fetched.
    say : callable
        Is told what is expected before a set is prepared.
    show : bool
        Whether to show progress while it is.
    **options
        Of generated clips: fields of `reverie.video.moving_shapes.MovingShapesConfig`.

    Returns
    -------
    OpenedSet

    Raises
    ------
    ConfigError
        If there is no such set or option.
    DataError
        If the set is not there or not whole.
    """
    text = str(name)
    shapes = _SHAPES.fullmatch(text)
    if shapes is None and options:
        raise ConfigError(f"{text} is not generated and takes no option such as '{next(iter(options))}'; leave it out")
    if shapes is not None:
        from reverie.video.moving_shapes import MovingShapesConfig, generate_moving_shapes

        asked = {"size": size, **({"clips": int(shapes["clips"])} if shapes["clips"] else {}), **options}
        made = generate_moving_shapes(checked(MovingShapesConfig, asked, text))
        return OpenedSet(made.clips, NAMED["moving-shapes"], made.masks)
    if text in NAMED:
        from reverie.video.named_sets.recorded import find_folder, open_recorded

        place = find_folder(text) if folder is None else Path(folder)
        clips, metadata = open_recorded(text, place, size, say, show)
        return OpenedSet(clips, NAMED[text], metadata=metadata)
    return _open_folder(Path(name), size)


def open_clip_set(name: str | Path, size: int = 80, **options: Any) -> ClipSet:
    """Return the clips of a set; parameters are those of `open_named_set`."""
    return open_named_set(name, size, **options).clips


def _open_folder(folder: Path, size: int) -> OpenedSet:
    from reverie.video.preparing.index import open_prepared

    if not folder.is_dir():
        raise unknown("set of clips", str(folder), [*NAMED, "a prepared folder"])
    clips = open_prepared(folder)
    if clips.size != (size, size):
        raise DataError(f"{folder} holds frames of {clips.size[1]} pixels, not {size}; prepare it again with --size {size}")
    return OpenedSet(clips, SetFacts(clips.name, f"clips of {clips.name}"))
