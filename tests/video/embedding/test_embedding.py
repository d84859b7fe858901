"""Vectors of clips: the mean of features, whatever the pieces; cut and given again; other facts refused; files as they were."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from reverie.cli.video import app
from reverie.errors import ConfigError, DataError, ReverieError, RunError
from reverie.seeds import numpy_generator, seed_torch
from reverie.video.clip_set import ClipSet
from reverie.video.embedding.encoders import find_encoder
from reverie.video.embedding.files import read_vectors
from reverie.video.embedding.opening import open_clips
from reverie.video.embedding.run import EmbedOptions, embed_set
from reverie.video.encoding import write_clip
from reverie.video.networks.create import create_network
from reverie.video.networks.saved import save_network
from reverie.video.prepare import prepare_folder
from reverie.video.preparing.options import PrepareOptions
from reverie.video.sampling import sample_indices

N = 20


@pytest.fixture(scope="module")
def clips() -> ClipSet:
    frames = numpy_generator(0, "clips").integers(0, 256, (N, 6, 24, 24, 3), dtype=np.uint8)
    labels = np.arange(N) % 3 - 1
    return ClipSet.from_arrays("noise", frames, labels, ["a", "b"], ids=[f"clip {i}.mp4" for i in range(N)])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("network")
    seed_torch(0, "weights")
    network = create_network("tsm", 2, 4, 16, widths=(8, 8), blocks=(1, 1), strides=(1, 2))
    save_network(network, folder, ["a", "b"], {"sampling": "segments", "stride": 1})
    return str(folder)


def test_a_vector_is_the_mean_over_places_times_and_views(clips: ClipSet, trained: str, tmp_path: Path) -> None:
    encoder = find_encoder(trained)
    found = embed_set(clips, encoder, tmp_path / "v.parquet", EmbedOptions(views=2))
    network = encoder.network.double()
    for i in (0, 19):
        chosen = sample_indices(6, 4, "segments", views=2)
        seen = torch.from_numpy(clips.frames(i)[chosen][:, :, 4:20, 4:20]).double().movedim(-1, 2) / 255
        with torch.no_grad():
            expected = network.feature_map(seen).numpy().mean((0, 1, 3, 4))
        assert np.allclose(found.vectors[i], expected, atol=1e-5)
    assert found.vectors.shape == (N, 8)
    network.float()


@pytest.mark.parametrize("suffix", ["parquet", "npy"])
def test_files_give_back_ids_and_vectors(clips: ClipSet, trained: str, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"v.{suffix}"
    made = embed_set(clips, find_encoder(trained), out)
    ids, vectors, facts = read_vectors(out)
    assert ids == clips.ids
    assert np.array_equal(vectors, made.vectors)
    assert facts["clips_sha256"] == clips.digest
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"v.{suffix}", f"v.{suffix}.json"]
    if suffix == "parquet":
        import polars as pl

        assert pl.read_parquet(out)["label"].to_list()[:3] == [None, "a", "b"]
    again = embed_set(clips, find_encoder(trained), out)
    assert (again.fresh, made.fresh) == (0, N)
    assert np.array_equal(again.vectors, vectors)
    out.write_bytes(out.read_bytes() + b" ")
    with pytest.raises(DataError, match="was changed after it was written; make it again"):
        read_vectors(out)


def test_what_was_cut_goes_on_to_the_same_vectors(clips: ClipSet, trained: str, tmp_path: Path) -> None:
    whole = embed_set(clips, find_encoder(trained), tmp_path / "whole.npy")
    encoder, seen = find_encoder(trained), []

    def stop_at_second(_module: object, inputs: tuple[torch.Tensor]) -> None:
        seen.append(len(inputs[0]) // 4)
        if len(seen) == 2:
            raise KeyboardInterrupt

    encoder.network.stem.register_forward_pre_hook(stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        embed_set(clips, encoder, tmp_path / "cut.npy")
    assert not (tmp_path / "cut.npy").exists()
    said: list[str] = []
    cut = embed_set(clips, encoder, tmp_path / "cut.npy", say=said.append)
    assert seen == [16, 4, 4]
    assert "16 of them done before" in said[0]
    assert np.array_equal(cut.vectors, whole.vectors)
    assert not (tmp_path / "cut.npy.pieces").exists()


def _cut(clips: ClipSet, trained: str, out: Path) -> None:
    """Make vectors until the second piece, as if it was stopped there."""
    encoder, seen = find_encoder(trained), []

    def stop_at_second(_module: object, _inputs: object) -> None:
        seen.append(1)
        if len(seen) == 2:
            raise KeyboardInterrupt

    encoder.network.stem.register_forward_pre_hook(stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        embed_set(clips, encoder, out)


def test_what_was_cut_does_not_go_on_with_clips_in_another_order(clips: ClipSet, trained: str, tmp_path: Path) -> None:
    _cut(clips, trained, tmp_path / "v.npy")
    turned = clips.subset(np.arange(N)[::-1])
    assert turned.digest == clips.digest
    with pytest.raises(RunError, match="holds vectors with order_sha256"):
        embed_set(turned, find_encoder(trained), tmp_path / "v.npy")


@pytest.mark.parametrize("change", ["cut", "other"])
def test_a_piece_that_was_changed_is_made_again(clips: ClipSet, trained: str, tmp_path: Path, change: str) -> None:
    whole = embed_set(clips, find_encoder(trained), tmp_path / "whole.npy")
    _cut(clips, trained, tmp_path / "v.npy")
    (piece,) = (tmp_path / "v.npy.pieces").glob("*.npy")
    if change == "cut":
        piece.write_bytes(piece.read_bytes()[:200])
    else:
        np.save(piece, np.full((16, 8), np.nan, np.float32))
    said: list[str] = []
    again = embed_set(clips, find_encoder(trained), tmp_path / "v.npy", say=said.append)
    assert "done before" not in said[0]
    assert np.array_equal(again.vectors, whole.vectors)


def test_vectors_of_something_else_are_not_written_over(clips: ClipSet, trained: str, tmp_path: Path) -> None:
    out = tmp_path / "v.parquet"
    embed_set(clips, find_encoder(trained), out)
    with pytest.raises(RunError, match="holds vectors with frames 4, not 2; choose another --out"):
        embed_set(clips, find_encoder(trained), out, EmbedOptions(frames=2))
    with pytest.raises(RunError, match="holds vectors with clips_sha256"):
        embed_set(clips.subset(np.arange(4)), find_encoder(trained), out)
    (tmp_path / "v.parquet.json").unlink()
    with pytest.raises(RunError, match=r"v.parquet is there and .*json is not"):
        embed_set(clips, find_encoder(trained), out)


def test_what_cannot_be_embedded_is_one_sentence(clips: ClipSet, trained: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown encoder 'resnet'; take efficientnet-lite0, the folder"):
        find_encoder("resnet")
    with pytest.raises(RunError, match="holds no trained network of video"):
        find_encoder(str(tmp_path))
    with pytest.raises(ConfigError, match=r"must end in .parquet or .npy"):
        embed_set(clips, find_encoder(trained), tmp_path / "v.csv")
    with pytest.raises(DataError, match="is no prepared folder; run 'reverie video prepare"):
        open_clips(str(tmp_path), 80)
    broken = find_encoder(trained)
    with torch.no_grad():
        broken.network.stages[1][0].body[0][0].weight.fill_(float("nan"))
    with pytest.raises(DataError, match=r"not finite for the clip clip 0.mp4"):
        embed_set(clips, broken, tmp_path / "v.npy")
    small = ClipSet.from_arrays("small", np.zeros((1, 4, 8, 8, 3), np.uint8), np.zeros(1), ["a"])
    with pytest.raises(ReverieError, match="crops of 16 pixels do not fit"):
        embed_set(small, find_encoder(trained), tmp_path / "small.npy")


def test_of_clip_the_class_token_is_taken_and_all_its_files_are_facts(clips: ClipSet, tmp_path: Path) -> None:
    import transformers as library

    seed_torch(0, "clip")
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = library.CLIPVisionModel(library.CLIPVisionConfig(**sizes, image_size=24, patch_size=12)).eval()
    model.save_pretrained(tmp_path / "hub")
    prepared = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "size": 24}
    (tmp_path / "hub" / "preprocessor_config.json").write_text(json.dumps(prepared))
    encoder = find_encoder(str(tmp_path / "hub"))
    found = embed_set(clips.subset(np.arange(2)), encoder, tmp_path / "v.npy", EmbedOptions(frames=3))
    frames = torch.from_numpy(clips.frames(1)[sample_indices(6, 3, "segments")[0]]).movedim(-1, 1).float() / 127.5 - 1
    with torch.no_grad():
        assert np.allclose(found.vectors[1], model(frames).pooler_output.mean(0), atol=1e-5)
    assert found.facts["encoder"] == "clip"
    assert set(found.facts["weights"]) == {"config.json", "model.safetensors", "preprocessor_config.json"}


def test_the_verb_embeds_a_prepared_folder(trained: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "videos" / name).mkdir(parents=True)
        write_clip(tmp_path / "videos" / name / "one.mp4", np.full((5, 32, 32, 3), 99, np.uint8), 25)
    ready = tmp_path / "ready"
    prepare_folder(tmp_path / "videos", ready, PrepareOptions(size=16), workers=1)
    out = tmp_path / "v.npy"
    answer = CliRunner().invoke(app, ["embed", str(ready), "--encoder", trained, "--out", str(out), "--json"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.output)
    assert (told["clips"], told["dim"], told["encoder"], told["fresh"]) == (2, 8, "tsm", 2)
    assert read_vectors(out)[0] == ("a/one.mp4", "b/one.mp4")
