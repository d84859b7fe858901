"""Recipes of the content table: data, recommenders, encoders of items, and comparisons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import Field, NonNegativeInt, model_validator

from reverie.content.clip_world.config import ClipWorldConfig
from reverie.data.splits.config import LeaveOneOut, SplitConfig
from reverie.errors import nearest
from reverie.models.shelf import MODELS
from reverie.options import Few, Options, checked
from reverie.settings import Settings, put
from reverie.study.recipe import BaseRecipe, Name, RecipeShelf
from reverie.training.config import TrainingConfig
from reverie.training.recipe import DatasetRecipe

Share = Annotated[float, Field(gt=0, lt=1)]
METRICS = ("recall@10", "ndcg@10", "recall@20", "ndcg@20")
"""What is measured; with one target, recall is the hit rate."""
SLICES = ("all", "target:cold", "target:unseen", "target:warm", "target:popular", "target:rare")
"""Of the targets: those held out by the draw are cold, others without an event in training unseen."""


class ContentData(Options):
    """Events, their split, and the content of the items."""

    dataset: DatasetRecipe | None = None
    """The log, whose items bring titles and features."""
    world: ClipWorldConfig | None = None
    """A clip world in the place of a log."""
    clips: str | None = None
    """Folder of prepared clips of the items, for encoders that read some."""
    split: SplitConfig = LeaveOneOut()
    """Protocol, and which items are held out."""
    missing: dict[str, Share] = Field(default_factory=dict)
    """Share of the items whose ``text``, ``image`` … is taken away before training, drawn at random."""
    real_persons: bool = False
    """Whether covers or clips show real persons; then no picture of them is shown."""
    training: Settings = Field(default_factory=dict)
    """Changes of the training on these data."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.dataset is None) == (self.world is None):
            raise ValueError("needs either 'dataset' or 'world'")
        if self.world is not None and self.clips is not None:
            raise ValueError("a clip world has its own clips; leave clips out")
        return self


class RecommenderRecipe(Options):
    """A recommender."""

    model: str
    """Registered name."""
    set: Settings = Field(default_factory=dict)
    """Its options but the encoder of items."""
    encoders: tuple[Name, ...] | None = None
    """Encoders that it is trained with; None takes all, and an empty list is for models that have none."""
    reads: str = ""
    """What the column `item_encoder` says of a model without an encoder that reads features itself."""
    data: tuple[Name, ...] = ()
    """Data that it is run on; all by default."""
    training: Settings = Field(default_factory=dict)
    """Changes of the training of this recommender, after those of the data."""


class EncoderRecipe(Options):
    """An encoder of items, a row of the table with every recommender."""

    set: dict[str, Any] = Field(default_factory=dict)
    """Its ``kind`` and options; ``clips`` is filled in from the data."""
    tuning: str | None = None
    """What the column `tuning` says; found among the options by default."""
    fusion: str | None = None
    """What the column `fusion` says; found among the options by default."""
    drop: tuple[str, ...] = ()
    """Parts of a fused encoder that are taken from all items at the test, one at a time, each measured beside the whole."""
    data: tuple[Name, ...] = ()
    """Data that it is run on; all by default."""
    training: Settings = Field(default_factory=dict)
    """Changes of the training with this encoder, after all others."""


class ContentClaim(Options):
    """A comparison that a sentence rests on.

    Its sides are ``recommender/encoder``, ``recommender``, or ``recommender/encoder/part``, measured without that part.
    """

    first: str
    """What is said to be better."""
    other: str
    """Than what."""
    why: str
    """The question that it answers."""
    metrics: tuple[str, ...] = ("ndcg@10",)
    """What is compared."""
    slices: tuple[str, ...] = ("all",)
    """Which targets."""
    data: tuple[Name, ...] = ()
    """On which data; all by default."""
    margin: Share | None = None
    """Share of the other's value by which the first may be worse and still be level; the interval's lower end is read."""


class ContentRecipe(BaseRecipe):
    """One study."""

    data: dict[Name, ContentData] = Field(min_length=1)
    """Data, by name."""
    recommenders: dict[Name, RecommenderRecipe] = Field(min_length=1)
    """Recommenders, by name."""
    encoders: dict[Name, EncoderRecipe] = Field(default_factory=dict)
    """Encoders, by name."""
    training: Settings = Field(default_factory=dict)
    """How all of them are trained, where it is not as their models come; validation chooses the epoch."""
    seeds: Few = 3
    """Seeds 0 … seeds - 1 of weights and order."""
    shown: NonNegativeInt = 8
    """Items whose neighbours the page shows."""
    claims: tuple[ContentClaim, ...] = ()
    """Comparisons that sentences rest on."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        """Refuse names that stand nowhere, and settings of training that are none."""
        for name, one in self.recommenders.items():
            _require(f"recommenders.{name}.model", [one.model], MODELS)
            _require(f"recommenders.{name}.encoders", one.encoders or (), self.encoders)
        for name, data in [(n, one.data) for n, one in self.recommenders.items()] + [
            (n, one.data) for n, one in self.encoders.items()
        ]:
            _require(f"{name}.data", data, self.data)
        for name, held in self.encoders.items():
            if held.drop and held.set.get("kind") != "fused":
                raise ValueError(f"encoders.{name}: only parts of a fused encoder can be dropped; leave drop out")
        for number, claim in enumerate(self.claims, 1):
            _require(f"claims, number {number}, data", claim.data, self.data)
            for side in (claim.first, claim.other):
                recommender, _, rest = side.partition("/")
                _require(f"claims, number {number}", [recommender], self.recommenders)
                _require(f"claims, number {number}", [rest.partition("/")[0]] if rest else (), self.encoders)
        for row in self.rows():
            self.training_of(*row)
        return self

    def rows(self) -> Iterable[tuple[str, str, str]]:
        """Yield data, recommender and encoder ("" for none) of every row of the table."""
        for data in self.data:
            for name, one in self.recommenders.items():
                encoders = tuple(self.encoders) if one.encoders is None else one.encoders or ("",)
                for encoder in encoders if not one.data or data in one.data else ():
                    held = self.encoders[encoder].data if encoder else ()
                    if not held or data in held:
                        yield data, name, encoder

    def training_of(self, data: str, recommender: str, encoder: str) -> TrainingConfig:
        """Return how a row is trained: the model's defaults and the common options, changed by data, recommender and encoder."""
        values: dict[str, Any] = dict(getattr(MODELS.config(self.recommenders[recommender].model), "training_defaults", {}))
        own = self.encoders[encoder].training if encoder else {}
        for changes in (self.training, self.data[data].training, self.recommenders[recommender].training, own):
            for key, value in changes.items():
                values = put(values, key, value, "training")
        return checked(TrainingConfig, values, f"training of {recommender}/{encoder} on {data}")


def _require(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{where}: unknown name '{name}'{nearest(name, known)}; known: {', '.join(known)}")


def _columns(recipe: ContentRecipe) -> dict[str, str]:
    counts = {part: str(len(getattr(recipe, part))) for part in ("data", "recommenders", "encoders")}
    return {"recipe": recipe.name} | counts | {"seeds": str(recipe.seeds), "description": recipe.description}


CONTENT = RecipeShelf("a content recipe", ContentRecipe, "reverie.content", "reverie content --list", "seeds=1", columns=_columns)
"""Recipes of `reverie content`."""
