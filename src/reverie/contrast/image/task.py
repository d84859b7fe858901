"""Image classification as a task: nearest neighbours and a linear probe on frozen vectors, with Wilson intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.contrast.image.config import ImageTask
from reverie.contrast.image.images import ImageData, Images, ImageSplit, read_images, split_images
from reverie.contrast.image.training import negative_cosines, new_network, train_network
from reverie.contrast.task import Measure, Outcome, Task
from reverie.errors import unknown
from reverie.evaluation.intervals import wilson
from reverie.objectives.contrastive.module import ScoreLoss
from reverie.seeds import numpy_generator
from reverie.training.optimiser import choose_device


def share(correct: int, n: int) -> Measure:
    """Return correct / n with Wilson's interval, which describes the draw of test examples, not of seeds."""
    if not 0 <= correct <= n or n == 0:
        raise ValueError(f"correct must lie in 0..n and n be positive, got {correct} and {n}")
    return Measure(correct / n, n, *wilson(correct / n, n), "wilson")


CHUNK = 1000
"""Examples looked up at a time."""


@torch.no_grad()
def vote(features: Tensor, labels: Tensor, asked: Tensor, neighbours: int, temperature: float, classes: int) -> Tensor:
    """Return the class with the most votes, each of the k nearest examples voting ``exp(cosine / temperature)``.

    The rule of Wu et al., arXiv 1805.01978, section 3.4.

    features [N, D], labels [N], asked [M, D] → [M].
    """
    if features.dim() != 2 or asked.dim() != 2 or features.shape[1] != asked.shape[1]:
        raise ValueError(f"asked must have shape [M, D] as features [N, D], got {list(asked.shape)} and {list(features.shape)}")
    if labels.shape != features.shape[:1] or len(labels) == 0:
        raise ValueError(f"labels must have shape [{len(features)}] and not be empty, got {list(labels.shape)}")
    if not (neighbours > 0 and temperature > 0):
        raise ValueError(f"neighbours and temperature must be positive, got {neighbours} and {temperature}")
    known, found = F.normalize(features, dim=1), []
    for chunk in torch.split(asked, CHUNK):
        cosines, nearest = (F.normalize(chunk, dim=1) @ known.T).topk(min(neighbours, len(known)), dim=1)
        weights = ((cosines - cosines[:, :1]) / temperature).exp()  # the largest vote is 1
        votes = weights.new_zeros(len(chunk), classes).scatter_add_(1, labels[nearest], weights)
        found.append(votes.argmax(1))
    return torch.cat(found) if found else labels.new_zeros(0)


STEPS = 200
"""Most iterations of L-BFGS for one penalty."""


@dataclass(frozen=True)
class Probe:
    """A linear classifier of standardised features; mean, scale [D], weight [classes, D], bias [classes]."""

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    def logits(self, features: Tensor) -> Tensor:
        """Return the log-odds of the classes, up to a constant; features [M, D] → [M, classes]."""
        return F.linear((features - self.mean) / self.scale, self.weight, self.bias)


def fit_probe(features: Tensor, labels: Tensor, classes: int, ridge: float, start: Probe | None = None) -> Probe:
    """Minimise ``mean cross-entropy + ridge / 2 · |weight|²`` over standardised features by L-BFGS; the bias has no penalty.

    features [N, D], labels [N].
    """
    if features.dim() != 2 or labels.shape != features.shape[:1]:
        raise ValueError(f"labels must have shape [N] as features [N, D], got {list(labels.shape)} and {list(features.shape)}")
    if not ridge > 0:
        raise ValueError(f"ridge must be positive, got {ridge}")
    mean, spread = features.mean(0), features.std(0, correction=0)
    scale = torch.where(spread > 1e-6 * spread.max(), spread, 1.0)
    inputs = (features - mean) / scale
    zeros = features.new_zeros(classes, features.shape[1] + 1)
    both = zeros if start is None else torch.cat([start.weight, start.bias[:, None]], 1)
    both = both.clone().requires_grad_()
    descent = torch.optim.LBFGS([both], max_iter=STEPS, history_size=20, tolerance_grad=1e-5, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        descent.zero_grad()
        weight, bias = both[:, :-1], both[:, -1]
        value = F.cross_entropy(F.linear(inputs, weight, bias), labels) + 0.5 * ridge * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    descent.step(objective)  # type: ignore[no-untyped-call]
    found = both.detach()
    return Probe(mean, scale, found[:, :-1].contiguous(), found[:, -1].contiguous())


def best_probe(features: Tensor, labels: Tensor, classes: int, ridges: Sequence[float], seed: int) -> tuple[Probe, float]:
    """Choose the ridge by the cross-entropy on a tenth of the examples, drawn by the seed, and fit to all with it."""
    if len(features) < 2:
        raise ValueError(f"features must have at least 2 rows, got shape {list(features.shape)}")
    order = torch.from_numpy(numpy_generator(seed, "probe").permutation(len(features))).to(features.device)
    held, kept = order[: max(len(order) // 10, 1)], order[max(len(order) // 10, 1) :]
    probe, best, lowest = None, max(ridges), float("inf")
    for ridge in sorted(ridges, reverse=True):
        probe = fit_probe(features[kept], labels[kept], classes, ridge, probe)
        value = float(F.cross_entropy(probe.logits(features[held]), labels[held]))
        if value > lowest:
            break
        best, lowest = ridge, value
    return fit_probe(features, labels, classes, best), best


BATCH = 512
"""Images encoded at a time."""

Features = Callable[[Tensor], Tensor]
"""From images [N, 3, S, S] in 0..1 to features [N, D]."""


@torch.no_grad()
def encode(features: Features, pixels: Tensor, device: torch.device) -> Tensor:
    """Return the features of images as they are, without any change; pixels [N, 3, S, S] → [N, D]."""
    return torch.cat([features(chunk.to(device).float().div_(255)).float() for chunk in torch.split(pixels, BATCH)])


def measure(
    config: ImageTask, split: ImageSplit, features: Features, seed: int, device: torch.device, say: Callable[[str], None]
) -> tuple[float, dict[str, Measure]]:
    """Measure features by how well they tell classes.

    Parameters
    ----------
    config : ImageTask
    split : ImageSplit
        Labelled training images are the neighbours and teach the probe.
    features : callable
        See `Features`.
    seed : int
        Names the tenth of the training images on which the probe's ridge is chosen.
    device : torch.device
        Where to compute.
    say : callable
        Takes a line.

    Returns
    -------
    float
        Accuracy of nearest neighbours on the validation images.
    dict of str to Measure
        Accuracy of the probe and of nearest neighbours on the test images.
    """
    labelled = split.train.labels >= 0
    known, labels = encode(features, split.train.pixels[labelled], device), split.train.labels[labelled].to(device)
    classes = 1 + int(torch.cat([part.labels for part in (split.train, split.valid, split.test)]).max())

    def right(part: Images, asked: Tensor) -> int:
        voted = vote(known, labels, asked, config.neighbours, config.vote_temperature, classes)
        return int((voted.cpu() == part.labels).sum())

    selection = right(split.valid, encode(features, split.valid.pixels, device)) / len(split.valid)
    test = encode(features, split.test.pixels, device)
    probe, ridge = best_probe(known, labels, classes, config.ridges, seed)
    linear = int((probe.logits(test).argmax(1).cpu() == split.test.labels).sum())
    metrics = {"linear_accuracy": share(linear, len(test)), "knn_accuracy": share(right(split.test, test), len(test))}
    shown = ", ".join(f"{name} {found.value:.4f}" for name, found in metrics.items())
    say(f"{shown}; on validation images knn {selection:.4f} (ridge {ridge:g})")
    return selection, metrics


class ImageContrast:
    """A `Task`: an encoder of images, measured after the last epoch by a linear probe and by nearest neighbours."""

    protocol = "linear_probe"
    baselines = ("untrained", "raw")

    def __init__(self, config: ImageTask, data: ImageData, device: torch.device) -> None:
        self.config, self.device, self.dataset = config, device, config.data
        self.sha256 = data.sha256()
        self._data = data

    def train(self, loss: ScoreLoss, seed: int, say: Callable[[str], None]) -> Outcome:
        """Train a network from the beginning, and measure that of the last epoch."""
        split = self._split(seed)
        network = train_network(self.config, split.train.pixels, loss, seed, self.device, say)
        selection, metrics = measure(self.config, split, network.features, seed, self.device, say)
        cosines = negative_cosines(self.config, network, split.train.pixels, seed, self.device)
        return Outcome(selection, metrics, self.config.epochs, cosines)

    def baseline(self, name: str, seed: int, say: Callable[[str], None]) -> Outcome:
        """Measure the network before training (``"untrained"``) or the pixels themselves (``"raw"``)."""
        if name not in self.baselines:
            raise unknown("baseline", name, self.baselines)
        features: Features = _pixels if name == "raw" else new_network(self.config, seed, self.device).eval().features
        selection, metrics = measure(self.config, self._split(seed), features, seed, self.device, say)
        return Outcome(selection, metrics)

    def _split(self, seed: int) -> ImageSplit:
        return split_images(self._data, self.config.valid, self.config.images, seed)


def open_task(config: ImageTask, device: str | None = None) -> Task:
    """Read the images, and return the study."""
    return ImageContrast(config, read_images(config), choose_device(device))


def _pixels(images: Tensor) -> Tensor:
    return images.flatten(1) - 0.5
