"""Image encoders (a small network, ResNets), random views (SimCLR), and contrastive training."""

import contextlib
import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.contrast.image.config import ImageTask, ViewOptions
from reverie.errors import ConfigError, NotFinite
from reverie.objectives.contrastive.module import ScoreLoss
from reverie.objectives.contrastive.vectors import nt_xent
from reverie.seeds import seed_torch, torch_generator
from reverie.training.config import TrainingConfig
from reverie.training.optimiser import autocast, epoch_batches, learning_rate


def convolution(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    """Return a convolution with batch normalisation that keeps height and width, divided by the stride."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """A residual block: two 3 x 3 convolutions, or 1 x 1, 3 x 3 and 1 x 1 of which the last is wider."""

    def __init__(self, inputs: int, width: int, stride: int, widening: int) -> None:
        super().__init__()
        outputs = widening * width
        if widening == 1:
            layers = [convolution(inputs, width, 3, stride), nn.ReLU(inplace=True), convolution(width, width)]
        else:
            layers = [convolution(inputs, width, 1), nn.ReLU(inplace=True), convolution(width, width, 3, stride)]
            layers += [nn.ReLU(inplace=True), convolution(width, outputs, 1)]
        self.body = nn.Sequential(*layers)
        same = stride == 1 and inputs == outputs
        self.shortcut: nn.Module = nn.Identity() if same else convolution(inputs, outputs, 1, stride)

    def forward(self, images: Tensor) -> Tensor:
        """Return the block's output; images [N, inputs, H, W] → [N, widening * width, H / stride, W / stride]."""
        total: Tensor = self.body(images) + self.shortcut(images)
        return total.relu_()


def resnet(blocks: tuple[int, ...], widening: int) -> nn.Sequential:
    """Return a ResNet without pooling and classifier."""
    layers: list[nn.Module] = [convolution(3, 64), nn.ReLU(inplace=True)]
    inputs = 64
    for stage, count in enumerate(blocks):
        width = 64 * 2**stage
        for number in range(count):
            layers.append(Block(inputs, width, 2 if stage > 0 and number == 0 else 1, widening))
            inputs = widening * width
    return nn.Sequential(*layers)


SMALL = ((32, 2), (64, 2), (128, 2), (256, 1))
"""Channels and strides of the small network, which is to be fast on one processor core."""


class Network(nn.Module):
    """Features for use, and what the loss compares.

    The head is ``Linear - BatchNorm - ReLU - Linear`` (arXiv 2002.05709); features are taken before it.
    """

    def __init__(self, body: nn.Module, width: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Sequential(
            nn.Linear(width, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True), nn.Linear(hidden, outputs)
        )

    def features(self, images: Tensor) -> Tensor:
        """Return the mean over places of the body's output; images [N, 3, H, W] → [N, width]."""
        centred = ((images - 0.5) * 4).contiguous(memory_format=torch.channels_last)
        maps: Tensor = self.body(centred)
        return maps.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Return what the loss compares; images [N, 3, H, W] → [N, outputs]."""
        projected: Tensor = self.head(self.features(images))
        return projected


def create_network(name: Literal["small", "resnet18", "resnet50"]) -> Network:
    """Return a new network, its weights drawn from torch's global generator."""
    if name == "small":
        network = Network(small(SMALL), SMALL[-1][0], 256, 128)
    elif name == "resnet18":
        network = Network(resnet((2, 2, 2, 2), 1), 512, 512, 128)
    else:
        network = Network(resnet((3, 4, 6, 3), 4), 2048, 512, 128)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # the stubs know it beside a device only
    return network


def small(layers: Sequence[tuple[int, int]]) -> nn.Sequential:
    """Return 3 x 3 convolutions one after another, each with batch normalisation and ReLU."""
    inputs = [3, *(channels for channels, _ in layers)]
    parts = [
        nn.Sequential(convolution(before, channels, 3, stride), nn.ReLU(inplace=True))
        for before, (channels, stride) in zip(inputs, layers, strict=False)
    ]
    return nn.Sequential(*parts)


@dataclass(frozen=True)
class Boxes:
    """Where to crop; all numbers are shares of the image's side; left, top, width, height [N], mirrored [N]."""

    left: Tensor
    top: Tensor
    width: Tensor
    height: Tensor
    mirrored: Tensor


def draw_boxes(uniform: Tensor, smallest: float, aspect: float, flip: float) -> Boxes:
    """Turn uniform numbers into boxes; uniform [N, 5]."""
    area, ratio, left, top, mirrored = uniform.unbind(1)
    side = (smallest + (1 - smallest) * area).sqrt()
    stretch = aspect ** (ratio - 0.5)
    width, height = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
    return Boxes(left * (1 - width), top * (1 - height), width, height, mirrored < flip)


def crop(images: Tensor, boxes: Boxes) -> Tensor:
    """Return the contents of boxes in the images' own size, by bilinear interpolation between the centres of pixels.

    images [N, 3, H, W] → [N, 3, H, W].
    """
    transform = images.new_zeros(len(images), 2, 3)
    transform[:, 0, 0] = torch.where(boxes.mirrored, -boxes.width, boxes.width)
    transform[:, 0, 2] = 2 * boxes.left + boxes.width - 1
    transform[:, 1, 1] = boxes.height
    transform[:, 1, 2] = 2 * boxes.top + boxes.height - 1
    grid = F.affine_grid(transform, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


RED, GREEN, BLUE = 0.299, 0.587, 0.114
"""Shares of the colours in gray (ITU-R BT.601)."""


def grayscale(images: Tensor) -> Tensor:
    """Return the gray of each pixel, 0.299 R + 0.587 G + 0.114 B; images [N, 3, H, W] → [N, 1, H, W]."""
    return RED * images[:, 0:1] + GREEN * images[:, 1:2] + BLUE * images[:, 2:3]


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Return images whose values are multiplied, and cut to 0..1; images [N, 3, H, W], factor [N] → [N, 3, H, W]."""
    return (images * factor[:, None, None, None]).clamp_(0, 1)


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Return images whose distance from their mean gray is multiplied, and cut to 0..1.

    Parameters
    ----------
    images, factor
        See `brightness`.

    Returns
    -------
    Tensor, shape [N, 3, H, W]
        In 0..1.
    """
    return _from(grayscale(images).mean((2, 3), keepdim=True), images, factor)


def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Return images whose distance from each pixel's gray is multiplied, and cut to 0..1 → [N, 3, H, W]."""
    return _from(grayscale(images), images, factor)


def hue(images: Tensor, shift: Tensor) -> Tensor:
    """Return images whose hue is turned, with value and saturation of the HSV cone kept.

    images [N, 3, H, W], shift [N] → [N, 3, H, W].
    """
    red, green, blue = images.unbind(1)
    top = images.amax(1)
    spread = top - images.amin(1)
    inverse = spread.clamp_min(torch.finfo(images.dtype).tiny).reciprocal_()
    sixths = torch.where(
        top == red, (green - blue) * inverse, torch.where(top == green, 2 + (blue - red) * inverse, 4 + (red - green) * inverse)
    )
    sixths += 6 * shift[:, None, None]
    start = torch.tensor([5.0, 3.0, 1.0], dtype=images.dtype, device=images.device)[:, None, None]
    place = (sixths[:, None] + start).remainder_(6)
    return top[:, None] - spread[:, None] * torch.minimum(place, 4 - place).clamp_(0, 1)


def _from(centre: Tensor, images: Tensor, factor: Tensor) -> Tensor:
    return torch.lerp(centre.expand_as(images), images, factor[:, None, None, None]).clamp_(0, 1)


NUMBERS = 11
"""Random numbers per view."""


@dataclass(frozen=True)
class Views:
    """Makes views: crop and flip, then brightness, contrast, saturation, hue in this order, then gray."""

    options: ViewOptions

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return one view of each image; images [N, 3, H, W] → [N, 3, H, W]."""
        if images.dtype != torch.uint8 or images.dim() != 4 or images.shape[1] != 3:
            raise ValueError(f"images must be uint8 of shape [N, 3, H, W], got {images.dtype} of shape {list(images.shape)}")
        options = self.options
        uniform = torch.rand(len(images), NUMBERS, generator=generator).to(images.device)
        views = crop(images.float().div_(255), draw_boxes(uniform[:, :5], options.crop, options.aspect, options.flip))
        signed = 2 * uniform[:, 5:9] - 1
        amount = torch.where(uniform[:, 9:10] < options.jitter, signed, 0.0)
        views = brightness(views, (1 + options.brightness * amount[:, 0]).clamp(min=0))
        views = contrast(views, (1 + options.contrast * amount[:, 1]).clamp(min=0))
        views = saturation(views, (1 + options.saturation * amount[:, 2]).clamp(min=0))
        views = hue(views, options.hue * amount[:, 3])
        return torch.where((uniform[:, 10] < options.gray)[:, None, None, None], grayscale(views), views)


def new_network(config: ImageTask, seed: int, device: torch.device) -> Network:
    """Return a network whose weights follow from the seed."""
    seed_torch(seed, "weights")
    return create_network(config.network).to(device)


def train_network(
    config: ImageTask, pixels: Tensor, loss: ScoreLoss, seed: int, device: torch.device, say: Callable[[str], None]
) -> Network:
    """Train a network with Adam on two views of each image; pixels [N, 3, S, S]."""
    if len(pixels) < config.batch_size:
        raise ConfigError(f"batch_size {config.batch_size} is more than the {len(pixels)} training images; use a smaller one")
    network, loss = new_network(config, seed, device).train(), copy.deepcopy(loss).to(device).train()
    adam = torch.optim.Adam(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    rates = TrainingConfig(learning_rate=config.learning_rate, schedule=config.schedule)
    views, steps, begin = Views(config.views), len(pixels) // config.batch_size, time.monotonic()
    # not `Trainer`: plain Adam, whole batches only, views drawn from a stream of their own; stored results rest on both
    for epoch in range(config.epochs):
        total = 0.0
        for step, rows in enumerate(epoch_batches(len(pixels), config.batch_size, seed, epoch)[:steps]):
            seed_torch(seed, "step", epoch, step)
            adam.param_groups[0]["lr"] = learning_rate(rates, epoch * steps + step, config.epochs * steps)
            both = pixels[torch.from_numpy(rows).repeat(2)].to(device)
            with autocast(device, config.precision):
                projected = network(views(both, torch_generator(seed, "views", epoch, step)))
            value = _value(projected, loss)
            if not bool(value.isfinite()):
                raise NotFinite(
                    f"the loss became {float(value)} in epoch {epoch + 1}, step {step + 1}; use a smaller learning rate"
                )
            adam.zero_grad(set_to_none=True)
            value.backward()  # type: ignore[no-untyped-call] # torch's own
            adam.step()
            total += float(value.detach())
        say(f"epoch {epoch + 1} of {config.epochs}: loss {total / steps:.4f}, {time.monotonic() - begin:.0f} s")
    return network.eval()


def _value(projected: Tensor, loss: ScoreLoss) -> Tensor:
    """Return the mean loss over 2B anchors, NaN where it has none."""
    if bool(projected.isfinite().all()):
        half = len(projected) // 2
        with contextlib.suppress(NotFinite):
            return nt_xent(projected[:half], projected[half:], None, loss=loss)
    return projected.new_tensor(float("nan"))


@torch.no_grad()
def negative_cosines(config: ImageTask, network: Network, pixels: Tensor, seed: int, device: torch.device) -> tuple[float, ...]:
    """Return quantiles of the cosines of negatives in one more batch; pixels [N, 3, S, S]."""
    rows = torch.from_numpy(epoch_batches(len(pixels), config.batch_size, seed, config.epochs)[0]).repeat(2)
    views = Views(config.views)(pixels[rows].to(device), torch_generator(seed, "views", config.epochs, 0))
    vectors = torch.nn.functional.normalize(network(views), dim=-1)
    image = rows.to(device)
    cosines = (vectors @ vectors.T)[image[:, None] != image]
    at = torch.linspace(0, 1, 21, device=device)
    return tuple(float(cosine) for cosine in cosines.sort().values[(at * (len(cosines) - 1)).round().long()])
