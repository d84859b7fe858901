from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from video_files import encode, grey, levels

from reverie.errors import ConfigError, DataError
from reverie.video.decoding import probe, read_clip, read_frames, write_clip
from reverie.video.reading import hdr, walking
from reverie.video.reading.opening import Limits, Video
from reverie.video.reading.timeline import measure


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"g": "6"}),
        ("b.avi", "libx264", {"g": "6"}),  # its packets tell wrong times
        ("c.avi", "mpeg4", {"bf": "2", "g": "6", "qmax": "2"}),
        ("d.webm", "libvpx", {"auto-alt-ref": "1", "lag-in-frames": "8", "g": "6"}),
        ("e.mpg", "mpeg2video", {"bf": "2", "g": "6"}),
        ("f.ts", "libx264", {"g": "6"}),
        ("g.h264", "libx264", {"g": "6"}),  # its packets tell no times, and nobody can jump in it
        ("h.gif", "gif", {}),
    ],
)
def test_each_frame_is_found_by_its_number(tmp_path: Path, name: str, codec: str, options: dict[str, str]) -> None:
    path = tmp_path / name
    encode(path, grey(40), codec=codec, options=options, pixels="gray" if codec == "gif" else "yuv420p")
    assert probe(path).frames == 40
    assert abs(levels(read_frames(path)) - levels(grey(40))).max() < 5
    numbers = [37, 3, 20, 20, 38, 3]
    np.testing.assert_array_equal(read_frames(path, numbers), read_frames(path)[numbers])


def test_far_frames_are_reached_by_jumps_and_without_them_where_a_jump_does_not_arrive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    encode(path, grey(60), options={"g": "8", "bf": "2"})
    whole = read_frames(path)
    counted: list[int] = []
    plain = walking.decoded
    monkeypatch.setattr(walking, "decoded", lambda video: (counted.append(1) or frame for frame in plain(video)))
    np.testing.assert_array_equal(read_frames(path, [2, 30, 57]), whole[[2, 30, 57]])
    assert len(counted) <= 24
    monkeypatch.setattr("reverie.video.reading.timeline.Timeline.number", lambda self, mark: mark // 512 if mark else 0)
    np.testing.assert_array_equal(read_frames(path, [2, 30, 57]), whole[[2, 30, 57]])


def test_facts_are_those_of_the_frames_not_of_the_header(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    encode(path, grey(30, 48, 64), options={"movflags": "faststart", "g": "1"})
    facts = probe(path)
    assert (facts.frames, facts.fps, facts.width, facts.height, facts.seconds) == (30, 25.0, 64, 48, 1.2)
    assert (facts.has_audio, facts.rotation) == (False, 0)
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 4])  # the header still tells 30
    cut = probe(path)
    assert 5 < cut.frames < 30
    assert len(read_frames(path)) == cut.frames


def test_times_of_a_variable_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    encode(path, grey(6), marks=[0, 1, 2, 10, 20, 30])
    clip = read_clip(path, lambda seconds: np.flatnonzero(seconds > 0.3))
    np.testing.assert_allclose(clip.seconds, [0.4, 0.8, 1.2])
    assert abs(levels(clip.pixels) - levels(grey(6))[3:]).max() < 3
    assert probe(path).fps == pytest.approx(5 / 1.2)


def corners(height: int = 48, width: int = 64) -> np.ndarray:
    """A frame whose top left quarter is red, top right green, bottom left blue, bottom right white."""
    frame = np.zeros((height, width, 3), dtype=np.uint8)
    frame[: height // 2, : width // 2, 0] = frame[: height // 2, width // 2 :, 1] = frame[height // 2 :, : width // 2, 2] = 255
    frame[height // 2 :, width // 2 :] = 255
    return frame


def test_a_turned_video_is_shown_upright(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    encode(path, np.stack([corners()] * 3), rotation=-90)
    facts = probe(path)
    assert (facts.width, facts.height, facts.rotation) == (48, 64, 270)
    found = read_frames(path, [1])[0]
    assert abs(found.astype(int) - np.rot90(corners(), 3)).mean() < 12
    assert read_frames(path, [1], 16).shape == (1, 16, 16, 3)


def test_pixels_that_are_not_square_and_odd_sizes(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    encode(path, grey(3, 34, 46), shape=Fraction(2, 1))
    assert (probe(path).width, probe(path).height) == (92, 34)
    assert read_frames(path).shape == (3, 34, 92, 3)
    odd = tmp_path / "a.mkv"
    encode(odd, grey(3, 33, 45), codec="ffv1")
    assert read_frames(odd).shape == (3, 33, 45, 3)
    assert abs(levels(read_frames(odd, size=20)) - levels(grey(3))).max() <= 1


def test_the_middle_is_cut_out(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    frame = np.zeros((32, 64, 3), dtype=np.uint8)
    frame[:, 16:48] = 200
    encode(path, frame[None], codec="ffv1", pixels="yuv444p")
    assert levels(read_frames(path, size=16)).tolist() == [200.0]
    assert read_frames(path, size=(8, 40)).shape == (1, 8, 40, 3)


def test_only_one_field_of_an_interlaced_frame_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    frame = np.zeros((64, 64, 3), dtype=np.uint8)
    frame[1::2] = 255
    encode(path, np.stack([frame] * 4), codec="mpeg2video", options={"flags": "+ilme+ildct", "q:v": "1"}, rate=25)
    assert levels(read_frames(path)).max() < 20


def test_colours_of_ten_bits_and_of_bt709(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    for name, space in (("ITU709", 1), ("ITU601", 5)):
        encode(path, np.stack([corners()] * 2), codec="libx264", pixels="yuv420p10le", options={"qp": "1"}, space=(name, space))
        assert abs(read_frames(path, [0])[0].astype(int) - corners())[4:20, 4:28].max() < 9


def test_high_dynamic_range_keeps_what_is_darker_than_paper() -> None:
    def pq(nits: float) -> float:
        power = (nits / 10000) ** (2610 / 16384)
        return float(((107 / 128 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32))

    lights = np.array([0.0, 1.0, 20.3, 101.5, 203.0, 1000.0, 10000.0])
    signal = np.array([pq(x) for x in lights])
    np.testing.assert_allclose(hdr.from_pq(signal), lights, atol=1e-6, rtol=1e-6)
    grey_ = np.repeat(np.rint(signal * 65535).astype(np.uint16)[None, :, None], 3, axis=2)
    found = hdr.to_srgb(grey_, hdr.PQ)[0, :, 0].astype(int)
    linear = 101.5 / 203
    assert abs(found[3] - 255 * (1.055 * linear ** (1 / 2.4) - 0.055)) < 1.5
    assert (np.diff(found[:-1]) > 0).all()
    assert 235 < found[4] < 250
    scene = 0.75  # BT.2100: half of full signal is a twelfth of the scene's light
    assert hdr.from_hlg(np.full((1, 3), 0.5))[0, 0] == pytest.approx(1000 * (1 / 12) ** 1.2)
    assert hdr.from_hlg(np.full((1, 3), scene))[0, 0] == pytest.approx(203, rel=0.01)  # white paper, by BT.2408


def test_a_video_of_high_dynamic_range_is_compressed(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    encode(path, grey(1, first=148), pixels="yuv420p10le", curve=16)
    assert levels(read_frames(path))[0] > 225  # 58 % of PQ is white paper


def test_damage_in_the_middle_leaves_the_count_and_repeats_the_last_good_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    encode(path, grey(40), codec="mjpeg", pixels="yuvj420p")
    whole = levels(read_frames(path))
    with Video(path) as video:
        places = [(packet.pos, packet.size) for packet in video.container.demux(video.stream) if packet.size]
    data = bytearray(path.read_bytes())
    for number in (20, 21):
        begin, size = places[number]
        data[begin + 8 : begin + size] = bytes(size - 8)
    path.write_bytes(data)
    clip = read_clip(path, lambda seconds: np.arange(len(seconds)))
    assert len(clip.pixels) == probe(path).frames == 40
    assert clip.lost == 2
    np.testing.assert_array_equal(levels(clip.pixels), np.r_[whole[:20], whole[19], whole[19], whole[22:]])


def test_what_is_no_video_is_one_sentence(tmp_path: Path) -> None:
    empty, text, sound, playlist = (tmp_path / name for name in ("empty.mp4", "text.mp4", "sound.mp4", "list.mp4"))
    empty.touch()
    text.write_text("no video at all " * 100)
    playlist.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    for path, said in ((empty, "it is empty"), (text, "no video that can be read"), (sound, "sound only"), (playlist, "no video")):
        with pytest.raises(DataError, match=said):
            probe(path)
    with pytest.raises(DataError, match="does not exist"):
        read_frames(tmp_path / "none.mp4")
    with pytest.raises(DataError, match="is a folder"):
        read_frames(tmp_path)


def test_a_picture_on_a_cover_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        sound, cover = container.add_stream("aac", rate=16000), container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt, cover.disposition = 32, 32, "yuvj420p", av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(corners(32, 32), format="rgb24")))
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(sound.encode(frame))
        for stream in (cover, sound):
            container.mux(stream.encode())
    with pytest.raises(DataError, match="sound only"):
        probe(path)


def test_a_title_that_is_not_utf8_is_no_reason_to_refuse(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    encode(path, grey(3), title="Summer in Orleans")
    path.write_bytes(path.read_bytes().replace(b"Orleans", b"Orl\xe9ans"))
    assert probe(path).frames == 3


def test_a_video_without_one_good_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    encode(path, grey(3), codec="mjpeg", pixels="yuvj420p")
    data = bytearray(path.read_bytes())
    begin = data.index(b"movi")
    data[begin + 12 : -60] = bytes(len(data) - 60 - begin - 12)
    path.write_bytes(data)
    with pytest.raises(DataError, match="no frame that can be decoded"):
        probe(path)


def test_limits_hold_before_anything_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    encode(path, grey(20))
    for limits, said in (
        (Limits(pixels=100), "more than the 100 allowed"),
        (Limits(frames=10), "longer than the 10 frames"),
        (Limits(seconds=0.2), "longer than the 0 seconds"),
    ):
        with pytest.raises(DataError, match=said):
            read_frames(path, limits=limits)
    with pytest.raises(DataError, match="has frames 0 to 19"):
        read_frames(path, [20])


def test_a_written_clip_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    frames = np.stack([np.roll(corners(), shift, axis=1) for shift in range(0, 40, 4)])
    write_clip(path, frames, 12.5)
    assert probe(path).fps == 12.5
    assert abs(read_frames(path).astype(int) - frames).mean() < 6
    first = path.read_bytes()
    write_clip(path, frames, 12.5)
    assert path.read_bytes() == first
    write_clip(path, frames[:, :-1, :-1], 8)
    assert probe(path).width == 64
    with pytest.raises(ConfigError, match="one of these ends"):
        write_clip(tmp_path / "a.txt", frames, 8)
    with pytest.raises(DataError, match="must be uint8"):
        write_clip(path, frames[0], 8)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.mp4"]


def test_the_measured_frames_stand_at_the_begin(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    encode(path, grey(10), options={"g": "4", "sc_threshold": "0"})
    with Video(path) as video:
        timeline = measure(video)
        assert timeline.keys.tolist() == [0, 4, 8]
        assert next(video.container.decode(video.stream)).pts == timeline.first.pts
