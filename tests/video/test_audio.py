from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from video_files import encode, grey, tone

from reverie.errors import DataError
from reverie.video import audio
from reverie.video.audio import log_mel, mel_bands
from reverie.video.prepare import prepare_folder
from reverie.video.preparing.options import PrepareOptions
from reverie.video.reading.opening import Limits
from reverie.video.sound_set import open_sound


def naive_bands(samples: np.ndarray) -> np.ndarray:
    """The same by the book: a sum for each frequency, and triangles drawn band by band."""
    mel = [2595 * math.log10(1 + f / 700) for f in (125.0, 7500.0)]
    edges = [700 * (10 ** ((mel[0] + (mel[1] - mel[0]) * i / 65) / 2595) - 1) for i in range(66)]
    window = [0.5 - 0.5 * math.cos(2 * math.pi * t / 400) for t in range(400)]
    count = 1 + max(0, math.ceil((len(samples) - 400) / 160))
    found = np.zeros((count, 64))
    for row in range(count):
        piece = [float(samples[row * 160 + t]) * window[t] if row * 160 + t < len(samples) else 0.0 for t in range(400)]
        power = []
        for k in range(257):
            angle = -2 * math.pi * k / 512 * np.arange(400)
            power.append(float((piece @ np.cos(angle)) ** 2 + (piece @ np.sin(angle)) ** 2))
        for band in range(64):
            low, top, high = edges[band : band + 3]
            energy = 0.0
            for k, one in enumerate(power):
                f = k * 16000 / 512
                if low < f <= top:
                    energy += one * (f - low) / (top - low)
                elif top < f < high:
                    energy += one * (high - f) / (high - top)
            found[row, band] = math.log(energy + 1e-6)
    return found


@pytest.mark.parametrize("length", [100, 400, 401, 720])
def test_bands_are_those_of_the_naive_sums(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.random.default_rng(length).uniform(-1, 1, length)
    monkeypatch.setattr(audio, "_CHUNK", 2)
    np.testing.assert_allclose(mel_bands(samples), naive_bands(samples), rtol=1e-9, atol=1e-9)


def test_a_tone_stands_in_the_band_of_its_frequency(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    encode(path, grey(25), sound=tone(1000.0, 1.0, 44100))
    found = log_mel(path)
    assert found.state == "sound"
    assert found.mel.dtype == np.float16
    assert abs(len(found.mel) - 98) <= 2
    mel = np.linspace(2595 * math.log10(1 + 125 / 700), 2595 * math.log10(1 + 7500 / 700), 66)[1:-1]
    nearest = int(abs(mel - 2595 * math.log10(1 + 1000 / 700)).argmin())
    assert (found.mel[5:90].argmax(1) == nearest).all()


def test_silence_and_no_track_are_told_apart(tmp_path: Path) -> None:
    encode(tmp_path / "a.mkv", grey(5), sound=tone(1000.0, 0.2, 16000, 0.0))
    encode(tmp_path / "b.mkv", grey(5))
    assert log_mel(tmp_path / "a.mkv").state == "silent"
    assert log_mel(tmp_path / "b.mkv").state == "none"
    assert log_mel(tmp_path / "b.mkv").mel.shape == (0, 64)
    with pytest.raises(DataError, match="longer than the 0 seconds"):
        log_mel(tmp_path / "a.mkv", Limits(seconds=0.1))


def test_sound_is_prepared_beside_the_frames(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    for label, name, sound in (
        ("high", "a.mkv", tone(4000.0, 0.3, 16000)),
        ("low", "b.mkv", tone(300.0, 0.4, 22050)),
        ("low", "c.mkv", tone(300.0, 0.2, 16000, 0.0)),
        ("low", "d.mkv", None),
    ):
        (videos / label).mkdir(parents=True, exist_ok=True)
        encode(videos / label / name, grey(8), sound=sound)
    found = prepare_folder(videos, tmp_path / "out", PrepareOptions(size=16, audio=True))
    sounds = open_sound(tmp_path / "out")
    assert sounds.ids == found.clips.ids
    assert sounds.states == ("sound", "sound", "silent", "none")
    for i, (label, name) in enumerate((("high", "a.mkv"), ("low", "b.mkv"))):
        np.testing.assert_array_equal(sounds.mel(i), log_mel(videos / label / name).mel)
    assert [len(sounds.mel(i)) for i in (2, 3)] == [0, 0]
    prepare_folder(videos, tmp_path / "mute", PrepareOptions(size=16))
    with pytest.raises(DataError, match="without sound"):
        open_sound(tmp_path / "mute")
