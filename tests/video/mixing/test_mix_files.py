"""Two files mixed: what is written, printed and refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from reverie.cli.main import app
from reverie.documents import read_tensors
from reverie.errors import ConfigError, DataError, ReverieError, RunError
from reverie.files import sealed, sha256, write_json
from reverie.models.store import save_tensors
from reverie.seeds import seed_torch
from reverie.video.decoding import probe, read_frames, write_clip
from reverie.video.embedding.encoders import find_encoder
from reverie.video.mix_files import mix_files
from reverie.video.mixing import create_mixer
from reverie.video.networks.create import create_network
from reverie.video.networks.saved import save_network
from reverie.video.recognition.saved import SELECTOR


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A dark clip of 12 frames and a bright one of 9, of other sizes, in the working folder."""
    monkeypatch.chdir(tmp_path)
    write_clip("dark.mp4", np.full((12, 32, 32, 3), 40, np.uint8), 12)
    write_clip("bright.mp4", np.full((9, 48, 40, 3), 200, np.uint8), 5)
    return "dark.mp4", "bright.mp4"


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A network as a study keeps it, with a selector whose weights are far from the first ones."""
    folder = tmp_path / "run"
    folder.mkdir()
    seed_torch(0, "weights")
    network = create_network("tsm", 2, 4, 32, widths=[8, 8], blocks=[1, 1], strides=[1, 2])
    selector = create_mixer("sv-mix", channels=network.channels, seed=5).selector
    for parameter in selector.parameters():
        parameter.data *= 3
    save_tensors(selector.state_dict(), folder / SELECTOR)
    save_network(
        network, folder, ("left", "right"), {"mixer": "sv-mix", "options": {}, "selector_sha256": sha256(folder / SELECTOR)}
    )
    return folder


def mix(*arguments: str) -> str:
    found = CliRunner().invoke(app, ["video", "mix", *arguments])
    if found.exception is not None:
        raise found.exception
    return found.output


def test_the_first_is_mixed_with_the_second_and_lasts_as_long(clips: tuple[str, str]) -> None:
    output = mix(*clips, "--method", "videomix-temporal", "--lambda", "0.75", "--frames", "8", "--size", "32", "--out", "out/m.mp4")
    assert "25.0% of what is seen is bright.mp4 · label 0.750 dark.mp4 + 0.250 bright.mp4" in output
    assert probe("out/m.mp4").frames == 8
    assert probe("out/m.mp4").seconds == pytest.approx(1.0, abs=0.01)
    levels = read_frames("out/m.mp4").mean((1, 2, 3))
    assert sorted(np.abs(levels[:, None] - [40, 200]).argmin(1).tolist()) == [0] * 6 + [1] * 2
    with Image.open("out/m.png") as strip:
        assert strip.height == 4 * 75 + 3


def test_a_selector_that_learned_nothing_says_so(clips: tuple[str, str]) -> None:
    first = json.loads(mix(*clips, "--frames", "4", "--size", "32", "--seed", "1", "--set", "switch=1", "--json"))
    assert first["method"] == "sv-mix"
    assert first["module"] == "spatial"
    assert [any(word in note for note in first["notes"]) for word in ("untrained tsm", "selector is untrained")] == [True, True]
    made = Path(first["strip"]).read_bytes()
    assert json.loads(mix(*clips, "--frames", "4", "--size", "32", "--seed", "1", "--set", "switch=1", "--json")) == first
    assert Path(first["strip"]).read_bytes() == made
    assert mix_files(*clips, "cutmix", frames=4, size=32).notes == ()
    assert mix_files(*clips, "none", frames=4, size=32).mixed.own is None


def test_a_trained_selector_is_used(clips: tuple[str, str], trained: Path) -> None:
    found = mix_files(*clips, network=str(trained), share=0.4, seed=2)
    assert found.method == "sv-mix"
    assert found.notes == ()
    assert found.clips.shape == (2, 4, 3, 32, 32)
    fresh = mix_files(*clips, "sv-mix", network=str(trained), share=0.4, seed=2, options={"switch": 0.5})
    assert found.mixed.own is not None
    assert fresh.mixed.own is not None
    assert not torch.allclose(found.mixed.own, fresh.mixed.own)
    assert len(fresh.notes) == 1


def test_what_cannot_be_done_is_said_in_a_sentence(clips: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="is one of the videos to mix"):
        mix(*clips, "--out", "dark.mp4")
    with pytest.raises(ConfigError, match=r"'tms' is no network and no folder of a trained one.*did you mean 'tsm'"):
        mix(*clips, "--network", "tms")
    with pytest.raises(ConfigError, match="unknown mixer 'cutmx'"):
        mix(*clips, "--method", "cutmx")
    with pytest.raises(ConfigError, match="choose one of these ends"):
        mix(*clips, "--method", "mixup", "--out", "mixed.gif")
    with pytest.raises(ConfigError, match="choose one of these ends"):
        mix(*clips, "--method", "mixup", "--out", ".")
    Path("folder.mp4").mkdir()
    with pytest.raises(ConfigError, match="is a folder; choose another name"):
        mix(*clips, "--method", "mixup", "--out", "folder.mp4")
    Path("mine.png").write_bytes(b"a picture of mine")
    with pytest.raises(ConfigError, match=r"would be written over mine.png; choose another --out"):
        mix(*clips, "--method", "mixup", "--out", "mine.mp4")
    assert Path("mine.png").read_bytes() == b"a picture of mine"
    with pytest.raises(ConfigError, match="--lambda nan is no share"):
        mix_files(*clips, "mixup", float("nan"))
    with pytest.raises(DataError, match=r"nothing.mp4 does not exist"):
        mix("nothing.mp4", "dark.mp4")
    with pytest.raises(ConfigError, match="'hub' is no network and no folder"):
        mix(*clips, "--network", "hub")
    monkeypatch.setattr("reverie.memory.available_bytes", lambda: 2**20)
    with pytest.raises(ReverieError, match="choose a smaller --size or fewer --frames"):
        mix(*clips, "--method", "mixup")
    assert not Path("mixed.png").exists()


@pytest.mark.parametrize("file", ["weights.safetensors", SELECTOR])
def test_weights_that_are_not_finite_are_refused(clips: tuple[str, str], trained: Path, file: str) -> None:
    tensors = read_tensors(trained / file, "")
    next(one for one in tensors.values() if one.is_floating_point()).fill_(torch.nan)
    save_tensors(tensors, trained / file)
    values = json.loads((trained / "network.json").read_text())
    del values["digest"]
    if file == SELECTOR:
        values["about"]["selector_sha256"] = sha256(trained / file)
    else:
        values["sha256"] = sha256(trained / file)
    write_json(trained / "network.json", values)
    with pytest.raises(RunError, match=r"network.json was changed after it was written"):
        mix(*clips, "--network", str(trained))
    write_json(trained / "network.json", sealed(values))
    with pytest.raises(RunError, match=f"{file} holds numbers that are not finite"):
        mix(*clips, "--network", str(trained))
    assert not Path("mixed.mp4").exists()


def test_a_network_of_a_study_is_named_by_its_method(clips: tuple[str, str], trained: Path, tmp_path: Path) -> None:
    for name in ("none", "sv-mix"):
        place = tmp_path / "study" / "recognition" / name
        shutil.copytree(trained, place)
        (place / "piece.json").write_text("{}")
        values = json.loads((place / "network.json").read_text())
        del values["digest"]
        values["about"]["mixer"] = name
        write_json(place / "network.json", sealed(values))
    assert mix_files(*clips, network=f"{tmp_path}/study:sv-mix").method == "sv-mix"
    assert mix_files(*clips, network=f"{tmp_path}/study:none").method == "none"
    assert find_encoder(f"{tmp_path}/study:none").name == "tsm"
    with pytest.raises(RunError, match=r"holds 2 trained networks of video; name one of them .*, or FOLDER:METHOD"):
        mix_files(*clips, network=f"{tmp_path}/study")
    with pytest.raises(RunError, match="holds no trained network of video by cutmix"):
        mix_files(*clips, network=f"{tmp_path}/study:cutmix")
