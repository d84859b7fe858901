"""Which frames of a clip a network sees: n of them, in one view or in several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from reverie.errors import ConfigError, unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

How = Literal["middle", "segments", "dense", "multi-clip"]
"""``middle``: neighbouring frames around the middle. ``segments``: one frame out of each of n equal segments of the whole clip,
drawn in training and the middle one at test (as in temporal segment networks). ``dense``: frames `stride` apart, at a drawn place
in training and around the middle at test. ``multi-clip``: several dense views spread evenly over the clip, for the test."""


def sample_indices(
    count: int, n: int, how: How, generator: np.random.Generator | None = None, stride: int = 1, views: int = 1
) -> NDArray[np.int64]:
    """Return the frames that are seen of one clip; see `sample_batch`.

    Parameters
    ----------
    count : int
        Frames of the clip.
    n, how, generator, stride, views
        As of `sample_batch`.

    Returns
    -------
    int64 [views, n]

    Examples
    --------
    >>> sample_indices(32, 4, "segments").tolist()
    [[4, 12, 20, 28]]
    >>> sample_indices(32, 4, "dense", stride=4).tolist()
    [[9, 13, 17, 21]]
    >>> sample_indices(3, 4, "middle").tolist()  # a clip that is too short is stretched over the view
    [[0, 1, 1, 2]]
    """
    one: NDArray[np.int64] = sample_batch(np.array([count]), n, how, generator, stride, views)[0]
    return one


def sample_batch(
    counts: NDArray[np.int64], n: int, how: How, generator: np.random.Generator | None = None, stride: int = 1, views: int = 1
) -> NDArray[np.int64]:
    """Return the frames that are seen of each clip, in their order.

    A clip with fewer frames than a view spans is seen whole: its frames are spread evenly over the view, and repeated where there
    are fewer than `n`; order and direction of time stay.

    Parameters
    ----------
    counts : int64 [B]
        Frames of each clip, at least one.
    n : int
        Frames of a view.
    how : {"middle", "segments", "dense", "multi-clip"}
    generator : numpy.random.Generator, optional
        Given in training. Without it nothing is drawn; `middle` and `multi-clip` never draw.
    stride : int
        From one frame of a dense view to the next; `middle` and `segments` leave it aside.
    views : int
        How many views of each clip. Several need a generator, ``multi-clip``, or ``segments``, whose views then look at places that
        divide each segment evenly.

    Returns
    -------
    int64 [B, views, n]

    Raises
    ------
    ConfigError
        If the name is not known, a number is below one, or all views would be the same.
    """
    if how not in get_args(How):
        raise unknown("way to sample frames", how, get_args(How))
    if min(n, stride, views, int(np.min(counts, initial=1))) < 1:
        raise ConfigError("frames, stride, views and the lengths of clips must be at least 1")
    if views > 1 and (how == "middle" or (how == "dense" and generator is None)):
        raise ConfigError(f"{views} views of '{how}' would all be the same; choose multi-clip or segments, or one view")
    counts, shape = np.asarray(counts, dtype=np.int64)[:, None, None], (len(counts), views)
    if how == "segments":
        even = np.broadcast_to((np.arange(views) + 0.5)[:, None] / views, (*shape, n))
        return _spread(counts, n, even if generator is None else generator.random((*shape, n)))
    stride = 1 if how == "middle" else stride
    room = counts - ((n - 1) * stride + 1)  # frames by which a view can move; negative in a clip that is too short
    if how == "dense" and generator is not None:
        start = np.floor(generator.random((*shape, 1)) * (np.maximum(room, 0) + 1)).astype(np.int64)
    elif how == "multi-clip" and views > 1:
        start = np.rint(np.arange(views)[:, None] / (views - 1) * room).astype(np.int64)
    else:
        start = np.broadcast_to(room // 2, (*shape, 1))
    found: NDArray[np.int64] = np.where(room < 0, _spread(counts, n, np.full((*shape, n), 0.5)), start + stride * np.arange(n))
    return found


def _spread(counts: NDArray[np.int64], n: int, place: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return one frame of each of n equal segments; counts [B, 1, 1], place [B, views, n] in [0, 1) → [B, views, n]."""
    return np.minimum(np.floor((np.arange(n) + place) * counts / n).astype(np.int64), counts - 1)
