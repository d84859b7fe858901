"""Recipes of CoLLM: data with labels, the recommender that is read, the two steps, and what is measured."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator

from reverie.errors import ConfigError, nearest
from reverie.llm.collm.config import CoLLMConfig
from reverie.models.shelf import MODELS
from reverie.options import Options, checked
from reverie.study.recipe import BaseRecipe, RecipeShelf
from reverie.training.config import TrainingConfig
from reverie.training.recipe import DatasetRecipe

READABLE = ("mf", "lightgcn", "gru4rec", "caser", "sasrec", "din")
"""Recommenders whose vectors a language model can read."""
TEACHABLE = (*READABLE, "neumf")
"""Recommenders that can be taught labels."""
_LABEL_DEFAULTS = {"metric": "auc", "batch_size": 1024, "learning_rate": 1e-2, "patience": 10, "epochs": 100}


class LabelRecipe(Options):
    """How ratings become labels and parts, see `reverie.data.splits.given.label_by_time`."""

    threshold: float = 4.0
    """Least rating of a liked item."""
    months: tuple[PositiveInt, PositiveInt, PositiveInt] | None = None
    """Whole months of train, valid and test; None cuts by shares."""
    shares: tuple[Annotated[float, Field(gt=0, lt=1)], Annotated[float, Field(gt=0, lt=1)]] = (0.15, 0.15)
    """Shares of events of valid and of test."""


class BaselineRecipe(Options):
    """A recommender taught the labels."""

    options: dict[str, Any] = Field(default_factory=dict)
    """Of the model."""
    training: TrainingConfig = TrainingConfig(**_LABEL_DEFAULTS)
    """How; `metric` is ``auc``, ``uauc`` or ``undcg``."""
    trials: PositiveInt = 1
    """How many settings were tried on validation before this one was chosen."""


class RowsRecipe(Options):
    """How many rows the language model reads; recommenders and baselines always learn from all training rows."""

    train: PositiveInt | None = None
    """Training rows, drawn uniformly; None takes all."""
    valid: PositiveInt | None = None
    """Validation rows: users are drawn until there are so many; None takes all."""
    test: PositiveInt | None = None
    """Test rows, drawn as those of validation."""
    per_user: PositiveInt | None = None
    """Most held-out rows of one user, drawn uniformly, so that a subsample holds many users; None takes all of each."""
    seed: NonNegativeInt = 0
    """Of these draws."""


class CoLLMRecipe(BaseRecipe):
    """One study."""

    dataset: DatasetRecipe
    """Events with labels, or with ratings and times."""
    label: LabelRecipe | None = None
    """For ratings."""
    model: CoLLMConfig = CoLLMConfig()
    """CoLLM."""
    collaborative: TrainingConfig = TrainingConfig(**_LABEL_DEFAULTS)
    """How the recommender that is read is taught the labels."""
    collaborative_trials: PositiveInt = 1
    """How many of its settings were tried on validation before."""
    baselines: dict[str, BaselineRecipe] = Field(default_factory=dict)
    """Recommenders to print beside it, by name or as ``name:what``."""
    rows: RowsRecipe = RowsRecipe()
    """Subsamples."""
    text_training: TrainingConfig = TrainingConfig(metric="auc", batch_size=16, learning_rate=1e-3, epochs=3, patience=20)
    """First step: the LoRA, on text alone."""
    ids_training: TrainingConfig = TrainingConfig(metric="auc", batch_size=16, learning_rate=1e-3, epochs=3, patience=20)
    """Second step: the mapping, everything else frozen; for ids written as bits, the LoRA again."""
    steps: Literal["two", "one"] = "two"
    """Two steps as published, or everything at once (the ablation T3)."""
    scratch: bool = False
    """Whether the second step begins with untrained vectors (the ablation T2, with `model.tune: mapping+vectors`)."""
    controls_only: bool = False
    """Whether to stop before the language model: baselines and recommenders alone, for all test rows in minutes."""
    resamples: int = Field(default=1000, ge=100)
    """Of users, for intervals."""

    @field_validator("text_training", "ids_training", "collaborative")
    @classmethod
    def _labels(cls, value: TrainingConfig) -> TrainingConfig:
        if value.metric not in ("auc", "uauc", "undcg"):
            raise ValueError(f"metric: '{value.metric}' does not fit labelled rows; use auc, uauc or undcg")
        return value

    @field_validator("baselines")
    @classmethod
    def _known(cls, value: dict[str, BaselineRecipe]) -> dict[str, BaselineRecipe]:
        for name, baseline in value.items():
            model = name.partition(":")[0]
            if model not in MODELS:
                raise ValueError(f"unknown model '{model}'{nearest(model, MODELS)}")
            cls._labels(baseline.training)
        return value


def _check_models(recipe: CoLLMRecipe, where: str) -> None:
    read = recipe.model.collaborative
    if recipe.model.ids == "none" or read is None:
        raise ConfigError(f"{where}: model.ids is 'none', which is the first step alone; choose soft, binary or dotted")
    if read.name in MODELS and read.name not in READABLE:
        known = ", ".join(READABLE)
        raise ConfigError(f"{where}: model.collaborative.name: '{read.name}' has no vectors to read; choose one of {known}")
    for name, options in ((read.name, read.options), *((n.partition(":")[0], t.options) for n, t in recipe.baselines.items())):
        try:
            kind = MODELS.config(name)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None
        if name not in TEACHABLE:
            raise ConfigError(f"{where}: model '{name}' cannot be taught labels; choose one of {', '.join(TEACHABLE)}")
        checked(kind, options, f"{where}: model '{name}'")


COLLM = RecipeShelf(
    "a recipe", CoLLMRecipe, "reverie.llm.collm", "reverie collm --list", "ids_training.epochs=2", check=_check_models,
    summary=lambda one: {"name": one.name, "dataset": one.dataset.name, "description": one.description},
    columns=lambda one: {"recipe": one.name, "description": one.description},
)  # fmt: skip
"""Recipes of `reverie collm`."""
