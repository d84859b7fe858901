from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import torch

from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError, DataError
from reverie.models import create_model
from reverie.models.item_encoders.shelf import ENCODERS
from reverie.options import checked
from reverie.registry import load_object
from reverie.seeds import seed_torch
from reverie.video.audio import BANDS
from reverie.video.clip_set import clip_digest, set_digest
from reverie.video.encoding import write_clip
from reverie.video.item_encoders.config import AudioOptions, ClipAugment, VideoOptions
from reverie.video.item_encoders.entries import AUDIO, VIDEO
from reverie.video.item_encoders.extractors import Clips, Sounds
from reverie.video.item_encoders.item_clips import ItemClips
from reverie.video.item_encoders.sound import create_audio_encoder
from reverie.video.item_encoders.towers import LOUD, SPREAD, SoundTower, band_statistics
from reverie.video.item_encoders.video import augmented, create_video_encoder
from reverie.video.networks.create import create_network
from reverie.video.networks.saved import save_network
from reverie.video.preparing.index import VERSION, Columns, Index, write_index

if TYPE_CHECKING:
    from reverie.models.item_encoders.base import ContentEncoder

SMALL: dict[str, Any] = {"widths": [4, 6], "blocks": [1, 1], "strides": [1, 1]}
IDS = ["a.mp4", "b.mp4", "c.mp4", "d.mp4"]
WINDOWS = [12, 0, 7, 20]


def vocabulary(items: list[str]) -> Vocabulary:
    return Vocabulary(pl.Series("item", items), pl.Series("user", ["u"]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four clips of five frames; the second is silent."""
    place, draws = tmp_path_factory.mktemp("clips"), np.random.default_rng(0)
    frames = draws.integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    np.save(place / "frames-00000.npy", frames)
    np.save(place / "sound-00000.npy", draws.normal(-5, 3, (sum(WINDOWS), BANDS)).astype(np.float16))
    n, zeros = len(IDS), [0] * len(IDS)
    sha256 = [clip_digest(one) for one in frames.reshape(n, 5, 16, 16, 3)]
    columns = Columns(
        ids=IDS, labels=[-1] * n, groups=[""] * n, folds=[-1] * n, parts=[""] * n, counts=[5] * n, fps=[10.0] * n, sha256=sha256,
        shard=zeros, start=[0, 5, 10, 15], seconds=[0.5] * n, file_frames=[5] * n, width=[16] * n, height=[16] * n, lost=zeros,
        sound=["sound" if count else "silent" for count in WINDOWS], sound_shard=zeros,
        sound_start=(np.cumsum(WINDOWS) - WINDOWS).tolist(), sound_count=WINDOWS,
    )  # fmt: skip
    digest = set_digest(sha256, [""] * n)
    index = Index(VERSION, "t", "t", {}, 16, [], ["frames-00000.npy"], ["sound-00000.npy"], columns, digest)
    write_index(place, index)
    return place


def video(folder: Path, items: list[str], **options: Any) -> ContentEncoder:
    seed_torch(0, "test")
    values = {"clips": str(folder), "frames": 3, "sampling": "middle", "set": SMALL, **options}
    return create_video_encoder(checked(VideoOptions, values, "video"), vocabulary(items), 5)


def audio(folder: Path, items: list[str], **options: Any) -> ContentEncoder:
    seed_torch(0, "test")
    values = {"clips": str(folder), "widths": [3, 4], **options}
    return create_audio_encoder(checked(AudioOptions, values, "audio"), vocabulary(items), 5)


@pytest.mark.parametrize("make", [video, audio])
def test_vectors_of_items(make: Any, folder: Path) -> None:
    encoder = make(folder, ["none", "c", "a.mp4", "d"]).eval()
    table = encoder.table()
    assert table.shape == (4, 5)
    assert encoder.encode(torch.tensor([[0, 2], [3, 4]])).equal(torch.stack([torch.zeros(5), *table[1:]]).view(2, 2, 5))
    assert table[0].equal(encoder.missing.detach())
    assert len({tuple(row.tolist()) for row in table[1:]}) == 3
    alone = make(folder, ["none", "c", "d"]).eval()  # the same weights; a vector does not depend on what is computed with it
    alone.load_state_dict({k: v for k, v in encoder.state_dict().items() if k not in ("kept", "fresh")}, strict=False)
    torch.testing.assert_close(alone.table()[1:], table[[1, 3]])


@pytest.mark.parametrize("make", [video, audio])
def test_gradients_reach_the_network_and_are_the_same_in_pieces(make: Any, folder: Path) -> None:
    found = []
    for at_once in (None, 2):
        encoder = make(folder, ["a", "c", "d"], at_once=at_once)
        for module in encoder.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.eval()
        encoder.encode(torch.tensor([1, 2, 3, 1])).square().sum().backward()
        found.append([one.grad for name, one in encoder.named_parameters() if name != "missing"])
        assert all(one is not None and bool(one.abs().sum() > 0) for one in found[-1][:1])
    for whole, pieces in zip(*found, strict=True):
        torch.testing.assert_close(pieces, whole)


@pytest.mark.parametrize("make", [video, audio])
def test_a_single_item_can_be_learned_from(make: Any, folder: Path) -> None:
    encoder = make(folder, ["a", "c"])
    encoder.encode(torch.tensor([1, 1])).sum().backward()
    assert all(bool(one.grad.isfinite().all()) for one in encoder.parameters() if one.grad is not None)


def test_silent_clips_are_items_without_sound(folder: Path) -> None:
    encoder = audio(folder, ["a", "b", "c"]).eval()
    assert encoder.present(torch.tensor([1, 2, 3])).tolist() == [True, False, True]
    assert encoder.table()[1].equal(encoder.missing.detach())


def test_frozen_features_learn_the_map_alone(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "cache"))
    seed_torch(1, "start")
    network = create_network("tsm", 2, 3, 16, **SMALL)
    save_network(network, tmp_path / "net", ["x", "y"])
    frozen = video(folder, ["a", "none", "d"], tuning="frozen", start=str(tmp_path / "net"))
    assert sorted(name for name, _ in frozen.named_parameters()) == ["linear.bias", "linear.weight", "missing"]
    assert frozen.fixed["features"].shape == (3, 6)
    top = video(folder, ["a", "d"], tuning="top", start=str(tmp_path / "net"))
    learned = {
        name.split(".")[2:4][-1] if "stages" in name else name.split(".")[2]
        for name, one in top.named_parameters()
        if one.requires_grad and "network" in name
    }
    assert learned == {"1"}  # the last stage
    full = video(folder, ["a", "d"], tuning="full", start=str(tmp_path / "net")).state_dict()
    for name, value in network.state_dict().items():
        if not name.startswith("head"):
            assert full[f"tower.network.{name}"].equal(value)
    heard = audio(folder, ["a", "b", "d"], tuning="frozen")
    assert heard.fixed["features"].shape == (3, 2 * BANDS)


def test_shuffled_items_have_clips_of_others(folder: Path) -> None:
    items = vocabulary(["a", "none", "b", "c", "d"])
    rows, dealt = ItemClips(folder, items).rows, ItemClips(folder, items, shuffled=3).rows
    assert rows.tolist() == [0, -1, 1, 2, 3]
    assert dealt[1] == -1
    assert sorted(dealt) == sorted(rows)
    assert (dealt != rows)[[0, 2, 3, 4]].all()
    every = vocabulary(["a", "b", "c", "d"])  # no item lacks a clip
    assert (ItemClips(folder, every, shuffled=3).rows != ItemClips(folder, every).rows).all()


def test_augmented_clips_are_rolled_and_mirrored() -> None:
    frames = torch.randint(0, 256, (6, 2, 8, 10, 3), dtype=torch.uint8)
    moved = augmented(frames, ClipAugment(shift=0.5, flip=0.5), np.random.default_rng(0)).numpy()
    for one, found in zip(frames.numpy(), moved, strict=True):
        ways = [np.roll(one, (y, x), (1, 2))[:, :, ::turn] for y in range(8) for x in range(10) for turn in (1, -1)]
        assert any((found == way).all() for way in ways)
    assert (moved != frames.numpy()).any()
    assert augmented(frames, ClipAugment(), np.random.default_rng(0)) is frames


def test_statistics_of_bands_are_those_of_a_slow_loop() -> None:
    draws = np.random.default_rng(0)
    mel, counts = draws.normal(size=(3, 9, BANDS)), [9, 1, 4]
    found = band_statistics(torch.from_numpy(mel), torch.tensor(counts)).numpy()
    for row, one, count in zip(found, mel, counts, strict=True):
        real = (one[:count] - LOUD) / SPREAD
        np.testing.assert_allclose(row, np.concatenate([real.mean(0), real.std(0)]), atol=1e-12)


def test_padding_is_not_heard() -> None:
    seed_torch(0, "test")
    tower = SoundTower((3, 4), 5).eval()
    mel = torch.randn(2, 11, BANDS)
    both = tower(torch.cat([mel, torch.full((2, 9, BANDS), 7.0)], 1), torch.tensor([11, 11]))
    torch.testing.assert_close(both, tower(mel, torch.tensor([11, 11])))


def test_broken_files_are_items_without_vectors(tmp_path: Path) -> None:
    pytest.importorskip("av")
    from reverie.video.embedding.encoders import ClipEncoder

    write_clip(tmp_path / "good.mp4", np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8), 10)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    files, done = [str(tmp_path / name) for name in ("broken.mp4", "good.mp4", "gone.mp4")], []
    network = create_network("tsm", 1, 8, 224, **SMALL).eval()
    clips = Clips(ClipEncoder("tiny", network, {}))
    values, read = clips.vectors(files, done.append)
    assert read.tolist() == [False, True, False]
    assert values.shape == (3, 6)
    assert values[1].any()
    assert len(done) == 3
    assert not Sounds().vectors(files, done.append)[1].any()
    assert clips.digest(files) != clips.digest(files[:2])


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (video, {"tuning": "full"}, "needs start"),
        (video, {"start": "x"}, "leave start out"),
        (video, {"below": "stem"}, "below is for tuning 'top'"),
        (video, {"network": "tsn"}, "unknown video network 'tsn'"),
        (video, {"set": {"width": 3}}, "unknown option 'width'"),
        (audio, {"tuning": "frozen", "clips": "nowhere"}, "were to be in nowhere, and that folder is gone; put it back there"),
    ],
)
def test_options_that_do_not_fit_are_refused(make: Any, options: dict[str, Any], said: str, folder: Path) -> None:
    with pytest.raises((ConfigError, DataError), match=said):
        make(folder, ["a"], **options)


def test_clips_of_nobody_are_refused(folder: Path) -> None:
    nothing: Any = None  # clips are looked at before any event is
    with pytest.raises(DataError, match=r"none of 2 items has a clip in .* name clips by the ids of items"):
        video(folder, ["x", "y"]).observe(nothing)
    with pytest.raises(DataError, match="nothing is heard"):
        audio(folder, ["b"]).observe(nothing)


@pytest.mark.parametrize("make", [video, audio])
def test_clips_are_opened_when_they_are_needed(make: Any, folder: Path) -> None:
    items = ["none", "c", "d"]
    trained = make(folder, items).eval()
    table = trained.table()
    loaded = make(Path("gone"), items).eval()
    loaded.load_state_dict(trained.state_dict())
    assert loaded.table().equal(table)
    with pytest.raises(DataError, match="were to be in gone, and that folder is gone; put it back there"):
        loaded.train().table()


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_clips_without_a_folder_are_named(kind: str) -> None:
    with pytest.raises(ConfigError, match=rf"'clips' is missing, the folder that .* item_encoder: {{kind: {kind}, clips: FOLDER}}"):
        create_model("sasrec", vocabulary(["a"]), item_encoder={"kind": kind})


@pytest.mark.parametrize("entry", [VIDEO, AUDIO])
def test_entries_name_what_is_there(entry: Any) -> None:
    assert callable(load_object(entry.build))
    assert load_object(entry.config).model_fields["kind"].default in ("video", "audio")
    assert "id" in ENCODERS
