"""Options of item encoders, looked up by their kind; readable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt, SerializeAsAny, model_validator

from reverie.errors import ConfigError
from reverie.models.item_encoders.shelf import ENCODERS
from reverie.options import Few, Options, checked


class ItemEncoderOptions(Options):
    """Base of the options of every kind; each sets its own `kind`."""

    kind: str
    """Registered kind of encoder."""

    @property
    def name(self) -> str:
        """What it is called among the parts of a fused encoder."""
        return self.kind

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modalities whose features it reads from the vocabulary's content."""
        return ()


class IdOptions(ItemEncoderOptions):
    """A trained vector for each item."""

    kind: Literal["id"] = "id"


class VectorOptions(ItemEncoderOptions):
    """What encoders of ready features share; inputs are standardised by the mean and deviation over the items that have them."""

    tuning: Literal["frozen", "adapter"] = "frozen"
    """`frozen`: fixed vectors and one trained linear layer; `adapter`: a trained bottleneck beside it, zero at first."""
    activation: Literal["none", "gelu"] = "none"
    """After the linear layer; GELU as published for MicroLens (arXiv 2309.15379)."""
    bottleneck: PositiveInt = 64
    """Hidden width of `adapter`."""
    dropout: float = Field(default=0.0, ge=0, le=0.999)
    """Of the inputs, off outside training."""
    control: Literal["none", "random", "shuffled"] = "none"
    """`random`: a fixed Gaussian vector for each item, drawn by its id, an id in disguise; `shuffled`: those of another item."""
    seed: NonNegativeInt = 0
    """Of the control."""


class FeaturesOptions(VectorOptions):
    """Ready features of any modality, by the name under which the dataset has them."""

    kind: Literal["features"]
    modality: str = Field(min_length=1)
    """Name of the content, e.g. ``text``, ``image``, ``audio`` or ``video``."""

    @property
    def name(self) -> str:
        """What it is called among the parts of a fused encoder."""
        return self.modality

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modalities whose features it reads."""
        return (self.modality,)


class ImageOptions(VectorOptions):
    """Covers, by features of EfficientNet-lite0."""

    kind: Literal["image"]

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modalities whose features it reads."""
        return ("image",)


class TextOptions(VectorOptions):
    """Titles, by a small transformer (all-MiniLM-L6-v2): its vectors, or the network itself taught further."""

    kind: Literal["text"]
    tuning: Literal["frozen", "adapter", "top", "full", "scratch"] = "frozen"  # type: ignore[assignment] # wider on purpose
    """`frozen`, `adapter`: features of titles, see `VectorOptions`; `top`: the last `layers` are trained over kept states of
    those below; `full`: all are; `scratch`: all, from random weights."""
    layers: Few = 2
    """Layers that `top` trains."""
    weights: str | None = None
    """Folder of another transformer (``config.json``, ``model.safetensors``, ``tokenizer.json``) for `top`, `full`, `scratch`."""
    rate: float = Field(default=0.1, gt=0, le=1)
    """Learning rate of the transformer as a factor of that of the rest of the model, for `top` and `full`."""
    longest: int = Field(default=32, ge=2, le=512)
    """Pieces of words that are read of a title, for `top`, `full`, `scratch`."""
    at_once: PositiveInt | None = None
    """Gradient caching: titles whose activations are held at once in training; None holds those of all titles of a batch."""

    @property
    def end_to_end(self) -> bool:
        """Whether the transformer itself is trained."""
        return self.tuning in ("top", "full", "scratch")

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modalities whose features it reads."""
        return () if self.end_to_end else ("text",)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.end_to_end and self.control != "none":
            raise ValueError(f"control={self.control} is of ready features; with it, tuning must be frozen or adapter")
        if not self.end_to_end and (self.weights is not None or self.at_once is not None):
            raise ValueError(f"weights and at_once are of tuning top, full or scratch, not {self.tuning}; leave them away")
        return self


def _of_its_kind(value: Any) -> Any:
    """Return options as those of their kind."""
    if isinstance(value, str):
        value = {"kind": value}
    if not isinstance(value, Mapping):
        return value
    kind = str(value.get("kind", "id"))
    try:
        return checked(ENCODERS.config(kind), value, f"kind '{kind}'")
    except ConfigError as error:
        raise ValueError(str(error)) from error


ItemEncoderConfig = Annotated[SerializeAsAny[ItemEncoderOptions], BeforeValidator(_of_its_kind)]
"""Options of any registered kind of item encoder; its name alone means the kind with its defaults."""


class FusedOptions(ItemEncoderOptions):
    """Several encoders, fused into one vector."""

    kind: Literal["fused"]
    parts: tuple[ItemEncoderConfig, ...] = Field(min_length=2, max_length=16)
    """The encoders; `id` among them counts as missing for items without training events, which content alone then scores."""
    fusion: Literal["sum", "concat", "gate", "cross-attention"] = "sum"
    """`sum` of the parts' vectors; one linear layer on all of them (`concat`); a mean whose weights depend on them (`gate`); or one
    head of attention to them, asked by a trained vector (`cross-attention`)."""
    drop: float = Field(default=0.0, ge=0, lt=1)
    """Modality dropout: chance of each part of an item to be left out in a training step; one part always stays."""
    without: tuple[str, ...] = ()
    """Parts that are treated as missing everywhere, by name, to see what each carries."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modalities whose features it reads."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.modalities))

    @model_validator(mode="after")
    def _parts_differ(self) -> Self:
        names = [part.name for part in self.parts]
        if len(set(names)) < len(names):
            raise ValueError(f"two parts are called '{max(names, key=names.count)}'; keep one of them")
        if unknown := [name for name in self.without if name not in names]:
            raise ValueError(f"without: '{unknown[0]}' is no part; the parts are {', '.join(names)}")
        if set(self.without) == set(names):
            raise ValueError("without leaves no part; name fewer")
        if any(isinstance(part, FusedOptions) for part in self.parts):
            raise ValueError("a part of a fused encoder cannot be fused itself; list its parts here")
        return self


def default_encoder() -> Any:
    """Return the field of an option `item_encoder` whose default is no part of stored options: keys of stored studies lack it."""
    return Field(default=IdOptions(), exclude_if=lambda value: value == IdOptions())
