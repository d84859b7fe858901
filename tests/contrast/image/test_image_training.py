"""Networks, training and the study as a whole, on drawn shapes."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from reverie.contrast.image.config import ImageTask
from reverie.contrast.image.images import synthetic_data
from reverie.contrast.image.task import open_task
from reverie.contrast.image.training import Network, create_network, negative_cosines, new_network, train_network
from reverie.errors import ConfigError, NotFinite
from reverie.objectives.config import ADNCE, ByRadius, InfoNCE
from reverie.objectives.contrastive.module import ScoreLoss, create_loss
from reverie.options import checked

CPU = torch.device("cpu")
TASK = ImageTask(kind="image", data="synthetic", images=64, batch_size=32, epochs=1, neighbours=10, ridges=(1.0, 0.1))
DATA = synthetic_data()
PIXELS = DATA.train.pixels[:64]


def _info_nce(temperature: float = 0.4) -> ScoreLoss:
    return create_loss(InfoNCE(kind="info_nce", temperature=temperature))


def _trained(loss: ScoreLoss, seed: int = 0, **options: object) -> Network:
    return train_network(TASK.model_copy(update=options), PIXELS, loss, seed, CPU, lambda line: None)


def _same(one: Network, other: Network) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@pytest.mark.parametrize(
    ("name", "weights", "width"),
    [("resnet18", 11_173_962 - 5_130, 512), ("resnet50", 23_520_842 - 20_490, 2048)],  # known sizes, less the classifier
)
def test_resnets_have_the_known_size(name: str, weights: int, width: int) -> None:
    with torch.device("meta"):
        network = create_network(name)  # type: ignore[arg-type] # parametrised
        images = torch.empty(2, 3, 32, 32)
    assert sum(parameter.numel() for parameter in network.body.parameters()) == weights
    assert network.body(images).shape == (2, width, 4, 4)
    assert network.features(images).shape == (2, width)
    assert network(images).shape == (2, 128)


def test_a_residual_network_runs_and_has_gradients() -> None:
    torch.manual_seed(0)
    network = create_network("resnet18")
    network(torch.rand(2, 3, 8, 8)).square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())


@pytest.mark.parametrize("side", [32, 96])
def test_the_small_network_takes_any_size(side: int) -> None:
    network = create_network("small").eval()
    assert network(torch.rand(2, 3, side, side)).shape == (2, 128)


def test_training_lowers_the_loss() -> None:
    lines: list[str] = []
    train_network(TASK.model_copy(update={"epochs": 4}), PIXELS, _info_nce(), 0, CPU, lines.append)
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in lines]
    assert [line.split(":")[0] for line in lines] == [f"epoch {n} of 4" for n in (1, 2, 3, 4)]
    assert losses[-1] < losses[0] - 0.1


def test_training_follows_from_the_seed() -> None:
    one = _trained(_info_nce())
    torch.rand(7)  # what others draw changes nothing
    assert _same(one, _trained(_info_nce()))
    assert not _same(one, _trained(_info_nce(), seed=1))
    assert not _same(one, _trained(_info_nce(0.1)))


def test_two_losses_at_one_seed_see_the_same_views_in_the_same_order() -> None:
    """Without learning, what the normalisation remembers is a function of weights and views."""
    control = create_loss(ADNCE(kind="adnce", variant="image", mu=0.7, sigma=0.5, shuffled=True))  # draws random numbers itself
    one, other = (_trained(loss, learning_rate=1e-15) for loss in (_info_nce(), control))
    third = _trained(_info_nce(), seed=1, learning_rate=1e-15)
    assert all(torch.equal(a, b) for a, b in zip(one.buffers(), other.buffers(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one.buffers(), third.buffers(), strict=True))


def test_the_loss_is_left_as_it_was() -> None:
    loss = create_loss(InfoNCE(kind="info_nce", temperature=ByRadius(kind="learned", radius=0.5)))
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    assert before
    one, other = _trained(loss), _trained(loss)
    assert _same(one, other)
    assert all(torch.equal(value, before[name]) for name, value in loss.state_dict().items())


def test_the_schedule_changes_what_is_learned() -> None:
    assert not _same(_trained(_info_nce(), schedule="constant"), _trained(_info_nce(), schedule="cosine"))


def test_half_precision_trains_too() -> None:
    network = _trained(_info_nce(), precision="bf16")
    assert all(bool(value.isfinite().all()) for value in network.state_dict().values())


def test_the_cosines_are_quantiles_of_negatives_only() -> None:
    network = new_network(TASK, 0, CPU).eval()
    same = PIXELS[:1].repeat(32, 1, 1, 1)  # without colour and crop every view is the same picture
    still = TASK.views.model_copy(update={"crop": 1.0, "aspect": 1.0, "flip": 0.0, "jitter": 0.0, "gray": 0.0})
    config = TASK.model_copy(update={"views": still})
    assert negative_cosines(config, network, same, 0, CPU) == pytest.approx([1.0] * 21, abs=1e-5)
    apart = negative_cosines(config, network, PIXELS, 0, CPU)
    assert list(apart) == sorted(apart)
    assert len(apart) == 21
    assert -1 <= apart[0] < apart[-1] < 1 - 1e-4  # a positive would have the cosine 1


def test_the_study_trains_measures_and_repeats() -> None:
    task = open_task(TASK)
    assert (task.dataset, task.protocol, task.baselines) == ("synthetic", "linear_probe", ("untrained", "raw"))
    assert len(task.sha256) == 64
    lines: list[str] = []
    one, two = task.train(_info_nce(), 0, lines.append), task.train(_info_nce(), 0, lambda line: None)
    assert one == two
    assert one.epoch == 1
    assert len(one.cosines) == 21
    assert list(one.metrics) == ["linear_accuracy", "knn_accuracy"]
    assert all(found.n == 500 and found.low and found.low < found.value for found in one.metrics.values())
    assert len(lines) == 2


def test_baselines_are_measured_without_training() -> None:
    task = open_task(TASK)
    raw, untrained = (task.baseline(name, 0, lambda line: None) for name in task.baselines[::-1])
    for outcome in (raw, untrained):
        assert (outcome.epoch, outcome.cosines) == (None, ())
        assert 0 <= outcome.selection <= 1
    assert untrained != raw
    assert task.baseline("untrained", 0, lambda line: None) == untrained
    with pytest.raises(ConfigError, match=r"unknown baseline 'rav' \(did you mean 'raw'\?\); known: raw, untrained"):
        task.baseline("rav", 0, lambda line: None)


def test_what_does_not_fit_is_said_in_one_sentence() -> None:
    with pytest.raises(ConfigError, match="batch_size 256 is more than the 64 training images"):
        _trained(_info_nce(), batch_size=256)
    with pytest.raises(NotFinite, match=r"the loss became nan in epoch 1, step 2; use a smaller learning rate"):
        _trained(_info_nce(), learning_rate=1e37)
    with pytest.raises(ConfigError, match=r"unknown option 'epoch' \(did you mean 'epochs'\?\)"):
        checked(ImageTask, {"kind": "image", "epoch": 3}, "task 'image'")


def test_the_options_need_no_torch() -> None:
    program = "import sys, reverie.contrast.image.config; assert not {'torch', 'polars'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
