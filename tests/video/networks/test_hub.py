"""Encoders of Hugging Face: tiny random ones saved to a folder, beside what transformers itself gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from reverie.errors import ConfigError, DataError
from reverie.seeds import seed_torch
from reverie.video.networks.create import create_network
from reverie.video.networks.hub import interpolated
from reverie.video.networks.saved import load_network, save_network

SIZES = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
PREPARED = {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4], "size": {"height": 16, "width": 16}}


def made(kind: str, **more: Any) -> Any:
    import transformers as library

    seed_torch(0, kind)
    if kind == "clip":
        return library.CLIPVisionModel(library.CLIPVisionConfig(**SIZES, image_size=16, patch_size=8)).eval()
    config, model = {
        "videomae": (library.VideoMAEConfig, library.VideoMAEModel),
        "timesformer": (library.TimesformerConfig, library.TimesformerModel),
    }[kind]
    found = model(config(**SIZES, image_size=16, patch_size=8, num_frames=4, use_mean_pooling=False, **more)).eval()
    if kind == "timesformer":
        torch.nn.init.normal_(found.embeddings.time_embeddings)  # new ones are zero
        for layer in found.encoder.layer:
            torch.nn.init.normal_(layer.temporal_dense.weight, std=0.1)
    return found


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("hub")
    for kind in ("videomae", "timesformer", "clip"):
        made(kind).save_pretrained(root / kind)
        (root / kind / "preprocessor_config.json").write_text(json.dumps(PREPARED))
    return {path.name: path for path in root.iterdir()}


def clips(frames: int, size: int = 16) -> torch.Tensor:
    return torch.rand(2, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


def states(kind: str, x: torch.Tensor) -> torch.Tensor:
    mean, std = (torch.tensor(PREPARED[name]).view(3, 1, 1) for name in ("image_mean", "image_std"))
    model = made(kind)
    ready = (x - mean) / std
    found = model(ready.flatten(0, 1) if kind == "clip" else ready).last_hidden_state
    return model.post_layernorm(found) if kind == "clip" else found


@torch.no_grad()
def test_feature_maps_hold_the_states_of_transformers_place_by_place(folders: dict[str, Path]) -> None:
    x = clips(4)
    shapes = {"videomae": (2, 2, 16, 2, 2), "timesformer": (2, 4, 16, 2, 2), "clip": (2, 4, 16, 2, 2)}
    for kind, shape in shapes.items():
        network = create_network("hub", 3, 4, 16, folder=str(folders[kind])).eval()
        found, expected = network.feature_map(x), states(kind, x)
        assert found.shape == shape
        for t, i, j in np.ndindex(shape[1], 2, 2):
            if kind == "videomae":
                token = expected[:, 4 * t + 2 * i + j]
            elif kind == "timesformer":
                token = expected[:, 1 + 4 * (2 * i + j) + t]
            else:
                token = expected.view(2, 4, 5, 16)[:, t, 1 + 2 * i + j]
            assert torch.allclose(found[:, t, :, i, j], token, atol=1e-5), kind
        assert network(x).shape == (2, 3)


@torch.no_grad()
def test_places_and_times_are_where_they_are_in_the_clip(folders: dict[str, Path]) -> None:
    x = clips(4)
    changed = x.clone()
    changed[:, 3, :, 8:, :8] = 0
    network = create_network("hub", 3, 4, 16, folder=str(folders["timesformer"])).eval()
    moved = (network.feature_map(changed) - network.feature_map(x)).abs().sum((0, 2))
    assert np.unravel_index(int(moved.argmax()), moved.shape) == (3, 1, 0)


@pytest.mark.parametrize("kind", ["videomae", "timesformer", "clip"])
@torch.no_grad()
def test_other_numbers_of_frames_and_other_sizes_interpolate(folders: dict[str, Path], kind: str) -> None:
    network = create_network("hub", 3, 6, 24, folder=str(folders[kind])).eval()
    assert network.feature_map(clips(6, 24)).shape[2:] == (16, 2, 2)  # resized to 16 pixels
    assert network.feature_map(clips(3, 16)).shape[1] == (2 if kind == "videomae" else 3)
    free = create_network("hub", 3, 6, 24, folder=str(folders[kind]), resize=False).eval()
    assert free.feature_map(clips(6, 24)).shape[2:] == (16, 3, 3)
    four = create_network("hub", 3, 4, 16, folder=str(folders[kind])).eval()
    assert torch.allclose(free.feature_map(clips(4, 16)), four.feature_map(clips(4, 16)), atol=1e-5) == (kind != "timesformer")


def test_tables_interpolate_linearly_along_each_axis() -> None:
    table = torch.arange(12.0, dtype=torch.float64).view(1, 12, 1)  # a grid of 3 x 2 x 2: 4 t + 2 y + x
    longer = interpolated(table, (3, 2, 2), (6, 2, 2)).view(6, 2, 2)
    expected = np.interp((np.arange(6) + 0.5) / 2 - 0.5, np.arange(3), 4.0 * np.arange(3))
    assert np.allclose(longer[:, 0, 0], expected)
    assert np.allclose(longer[:, 1, 1], expected + 3)
    assert interpolated(table, (3, 2, 2), (3, 2, 2)) is table


@torch.no_grad()
def test_the_class_token_is_one_place(folders: dict[str, Path]) -> None:
    x = clips(4)
    network = create_network("hub", 3, 4, 16, folder=str(folders["clip"]), tokens="class").eval()
    assert torch.allclose(network.feature_map(x)[:, :, :, 0, 0], states("clip", x).view(2, 4, 5, 16)[:, :, 0], atol=1e-5)
    with pytest.raises(ConfigError, match="VideoMAE, which has no class token"):
        create_network("hub", 3, 4, 16, folder=str(folders["videomae"]), tokens="class")


def test_it_learns_freezes_and_is_saved_like_the_others(folders: dict[str, Path], tmp_path: Path) -> None:
    network = create_network("hub", 3, 4, 16, folder=str(folders["videomae"]), freeze="stage1").train()
    network(clips(4)).sum().backward()
    layers = network.body.encoder.layer
    assert layers[0].output.dense.weight.grad is None
    assert layers[1].output.dense.weight.grad.any()
    assert not network.body.embeddings.training
    with torch.no_grad():
        network.head.linear.weight.normal_()
        save_network(network.eval(), tmp_path / "saved", ["a", "b", "c"])
        again, _ = load_network(tmp_path / "saved")
        assert torch.equal(again(clips(4)), network(clips(4)))


def copied(folder: Path, to: Path) -> Path:
    to.mkdir()
    for path in folder.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    return to


def edited(folder: Path, name: str, **changes: Any) -> None:
    values = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(values | changes))


def test_missing_and_unexpected_weights_are_named(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["videomae"], tmp_path / "copy")
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, "decoder.norm.bias": torch.zeros(2)}, folder / "model.safetensors", {"format": "pt"})
    with pytest.warns(UserWarning, match=r"nothing here takes 1 weight \(decoder.norm.bias\)"):
        create_network("hub", 3, 4, 16, folder=str(folder))
    del weights["encoder.layer.1.output.dense.bias"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(DataError, match=r"lacks 1 weight \(encoder.layer.1.output.dense.bias\), so it is no whole VideoMAE"):
        create_network("hub", 3, 4, 16, folder=str(folder))


def test_wrong_folders_are_one_sentence(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no folder of an encoder"):
        create_network("hub", 3, 4, 16, folder=str(tmp_path / "nothing"))
    folder = copied(folders["clip"], tmp_path / "copy")
    edited(folder, "config.json", model_type="bert")
    with pytest.raises(DataError, match="architecture 'bert'; give one of VideoMAE, TimeSformer, CLIP"):
        create_network("hub", 3, 4, 16, folder=str(folder))
    edited(folder, "config.json", model_type="videomae", num_frames=4, tubelet_size=2)
    with pytest.raises(DataError, match=r"lacks .* so it is no whole VideoMAE|cannot be loaded as VideoMAE"):
        create_network("hub", 3, 4, 16, folder=str(folder))
    edited(folder, "preprocessor_config.json", image_mean=[0.5])
    with pytest.raises(DataError, match="no three numbers in image_mean and image_std"):
        create_network("hub", 3, 4, 16, folder=str(folder))
    edited(folder, "preprocessor_config.json", image_mean=[0.5] * 3, size={"height": 16, "width": 24})
    with pytest.raises(DataError, match="only square ones"):
        create_network("hub", 3, 4, 16, folder=str(folder))
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(DataError, match=r"preprocessor_config\.json does not exist; copy it"):
        create_network("hub", 3, 4, 16, folder=str(folder))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(DataError, match="holds no weights as safetensors"):
        create_network("hub", 3, 4, 16, folder=str(folder))


def test_pictures_that_are_scaled_otherwise_are_normalised_alike(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(folders["clip"], tmp_path / "copy")
    edited(folder, "preprocessor_config.json", rescale_factor=2 / 255, image_mean=[0.8, 1.0, 1.2], image_std=[0.4, 0.6, 0.8])
    found = create_network("hub", 3, 4, 16, folder=str(folder)).normalisation
    assert np.allclose([found.mean, found.std], [PREPARED["image_mean"], PREPARED["image_std"]])
    edited(folder, "preprocessor_config.json", do_rescale=False, do_normalize=False)
    found = create_network("hub", 3, 4, 16, folder=str(folder)).normalisation
    assert np.allclose([found.mean, found.std], [[0] * 3, [1 / 255] * 3])
