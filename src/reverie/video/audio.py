"""The sound of a video as the logarithm of its energy in mel bands.

One channel of 16,000 samples a second; windows of 25 ms (Hann) every 10 ms, transforms of 512 samples; 64 triangular bands, even on
the mel scale m = 2595 log10(1 + f / 700) from 125 to 7,500 Hz; natural logarithm of energy + 1e-6. Sound and pictures are taken to
begin together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from reverie.errors import DataError
from reverie.video.reading.opening import LIMITS, Limits, import_av, open_container

if TYPE_CHECKING:
    from av.container import InputContainer
    from numpy.typing import NDArray

RATE, WINDOW, HOP, TRANSFORM, BANDS = 16_000, 400, 160, 512, 64
LOW, HIGH, FLOOR = 125.0, 7500.0, 1e-6
SILENCE = 1e-4
"""Largest sample, of a full scale of 1, up to which a clip counts as silent."""
_CHUNK = 4096
"""Windows that are transformed at once."""
State = Literal["none", "silent", "sound"]


@dataclass(frozen=True)
class Sound:
    """The sound of a clip.

    Parameters
    ----------
    state : {"none", "silent", "sound"}
        Whether there is a track that can be decoded, and anything to hear on it.
    mel : float16 [S, 64]
        S is 0 without a track.
    """

    state: State
    mel: NDArray[np.float16]


def log_mel(path: str | Path, limits: Limits = LIMITS) -> Sound:
    """Return the log-mel bands of the first sound track of a file.

    Raises
    ------
    DataError
        If the file cannot be opened, or the track is longer than the limits.
    """
    with open_container(path) as container:
        samples = _samples(container, path, limits)
    if not len(samples):
        return Sound("none", np.zeros((0, BANDS), dtype=np.float16))
    silent = float(abs(samples).max()) <= SILENCE
    return Sound("silent" if silent else "sound", mel_bands(samples).astype(np.float16))


def mel_bands(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the log-mel bands of sound.

    Parameters
    ----------
    samples : float [N]
        In [-1, 1]; zeros are added behind until the last window is full.

    Returns
    -------
    float64 [S, 64]
        S = 1 + ceil(max(0, N - 400) / 160).
    """
    count = 1 + -(-max(0, len(samples) - WINDOW) // HOP)
    padded = np.zeros((count - 1) * HOP + WINDOW)
    padded[: len(samples)] = samples
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    bands = np.empty((count, BANDS))
    for begin in range(0, count, _CHUNK):
        spectrum = np.fft.rfft(windows[begin : begin + _CHUNK] * hann, TRANSFORM)
        bands[begin : begin + _CHUNK] = (spectrum.real**2 + spectrum.imag**2) @ _filters().T
    return np.log(bands + FLOOR)


@cache
def _filters() -> NDArray[np.float64]:
    """Return the weight of each frequency in each band → [BANDS, TRANSFORM / 2 + 1]."""
    low, high = (2595 * np.log10(1 + one / 700) for one in (LOW, HIGH))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    frequencies = np.arange(TRANSFORM // 2 + 1) * RATE / TRANSFORM
    left, middle, right = (edges[begin : begin + BANDS, None] for begin in range(3))
    rising, falling = (frequencies - left) / (middle - left), (right - frequencies) / (right - middle)
    return np.maximum(0.0, np.minimum(rising, falling))


def _samples(container: InputContainer, path: str | Path, limits: Limits) -> NDArray[np.float32]:
    """Decode the first track to one channel, passing over packets that cannot be decoded; none where there is no track."""
    av = import_av()
    if not container.streams.audio or container.streams.audio[0].codec_context is None:
        return np.zeros(0, dtype=np.float32)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    pieces, count = [], 0
    packets = container.demux(container.streams.audio[0])
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                break
            frames = [piece for frame in packet.decode() for piece in resampler.resample(frame)]
        except av.error.EOFError:
            break
        except (av.error.FFmpegError, ValueError):
            continue
        pieces += [frame.to_ndarray().reshape(-1) for frame in frames]
        count += sum(frame.samples for frame in frames)
        if count > limits.seconds * RATE:
            raise DataError(f"{path} is longer than the {limits.seconds:,.0f} seconds allowed; cut it into clips")
    if pieces:
        pieces += [frame.to_ndarray().reshape(-1) for frame in resampler.resample(None)]
    return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.float32)
