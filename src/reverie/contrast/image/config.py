"""Options of the study on images, readable without torch."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from reverie.options import Options

DataName = Literal["cifar10-jpeg", "cifar10", "stl10", "synthetic"]


class ViewOptions(Options):
    """How the two views of an image are made; but for `crop`, the defaults are those of SimCLR on CIFAR-10 (arXiv 2002.05709)."""

    crop: float = Field(default=0.2, gt=0, le=1)
    """Smallest share of the image's area that a crop keeps. SimCLR has 0.08."""
    aspect: float = Field(default=4 / 3, ge=1)
    """Most that a crop is stretched: its width / height lies between 1 / aspect and aspect before it is cut to the image."""
    flip: float = Field(default=0.5, ge=0, le=1)
    """Chance of a mirror image, left and right exchanged."""
    jitter: float = Field(default=0.8, ge=0, le=1)
    """Chance that the colours are changed at all."""
    brightness: NonNegativeFloat = 0.4
    """Largest relative change of the brightness."""
    contrast: NonNegativeFloat = 0.4
    """Largest relative change of the distance from the image's mean gray."""
    saturation: NonNegativeFloat = 0.4
    """Largest relative change of the distance from each pixel's gray."""
    hue: float = Field(default=0.1, ge=0, le=0.5)
    """Largest shift of the hue, in turns of the colour wheel."""
    gray: float = Field(default=0.2, ge=0, le=1)
    """Chance that the colours are lost."""


class ImageTask(Options):
    """Contrastive learning of images, then nearest neighbours and a linear probe on frozen features.

    The network of the last epoch is measured, whatever the values on the way. Settings are chosen by nearest neighbours on
    images that are neither learned from nor neighbours nor tested on.
    """

    kind: Literal["image"]
    data: DataName = "cifar10-jpeg"
    """Which images. "cifar10-jpeg" is a lossy copy of CIFAR-10 (JPEG, about quality 75): its numbers do not compare with those of
    CIFAR-10. "synthetic" draws coloured shapes and needs no file."""
    folder: str | None = None
    """Where the files are; None looks in $REVERIE_DATA below the name of the publisher's archive."""
    images: PositiveInt | None = 10_000
    """Training images, drawn by the seed, labelled ones first; the others are not used. None takes all."""
    valid: float = Field(default=0.1, gt=0, lt=1)
    """Share of the labelled training images that is set aside for choosing settings."""
    network: Literal["small", "resnet18", "resnet50"] = "small"
    """Encoder. "small" has four convolutions and suits one processor core; the others need a GPU."""
    epochs: PositiveInt = 35
    """Passes over the training images."""
    batch_size: int = Field(default=256, ge=2)
    """Images per step, B: each of the 2B views has 2B - 2 negatives."""
    learning_rate: PositiveFloat = 1e-3
    """Of Adam."""
    weight_decay: NonNegativeFloat = 1e-6
    """Of Adam, added to the gradient."""
    schedule: Literal["constant", "cosine"] = "cosine"
    """Learning rate over the training: as it is, or down to zero along half a cosine, which suits measuring the last epoch."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of the network while it learns; the loss is computed in fp32. bf16 is faster where the processor has it."""
    views: ViewOptions = ViewOptions()
    """How views are made."""
    neighbours: PositiveInt = 200
    """Nearest training images that vote on a label, k."""
    vote_temperature: PositiveFloat = 0.1
    """A neighbour's vote is exp(cosine / this); it has nothing to do with the loss's temperature."""
    ridges: tuple[PositiveFloat, ...] = Field(default=(1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5), min_length=1)
    """Ridge penalties the linear probe chooses from, on a tenth of the labelled training images."""
