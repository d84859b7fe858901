"""Options of re-ranking."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from reverie.errors import ConfigError
from reverie.models.shelf import MODELS
from reverie.options import Many, Options, checked

Trade = Annotated[float, Field(ge=0, le=1)]


class Mmr(Options):
    """Maximal marginal relevance."""

    kind: Literal["mmr"] = "mmr"
    trade: Trade = 0.7
    """Weight of relevance; the rest is that of unlikeness to what stands above. 1 is the model's own order."""
    by: Literal["categories", "vectors"] = "categories"
    """What the cosine of two items is of: their categories in the catalogue, or the model's item vectors."""


class PopularityCalibrated(Options):
    """As many popular, middling and rare items as in the user's history."""

    kind: Literal["popularity"] = "popularity"
    trade: Trade = 0.5
    """Weight of relevance; the rest is that of calibration. 1 is the model's own order."""
    groups: tuple[Trade, ...] = (0.2, 0.8)
    """Shares of all training events, the most popular items first, at which one group of items ends and the next begins."""


class CategoryCalibrated(Options):
    """Categories in the proportions of the user's history."""

    kind: Literal["categories"] = "categories"
    trade: Trade = 0.5
    """Weight of relevance; the rest is that of calibration. 1 is the model's own order."""


class CategoryQuotas(Options):
    """No more than so many items of a category."""

    kind: Literal["quotas"] = "quotas"
    most: PositiveInt | None = 3
    """Most items of any category among the first `k`; None where only `quotas` limits."""
    quotas: dict[str, NonNegativeInt] = Field(default_factory=dict)
    """Most items of single categories, by their names, in the place of `most`."""


How = Annotated[Mmr | PopularityCalibrated | CategoryCalibrated | CategoryQuotas, Field(discriminator="kind")]


class RerankConfig(Options):
    """Whose lists are chosen anew, and how."""

    model: dict[str, Any] = Field(default={"name": "markov"})
    """The model, by its ``name`` and with its options; it is fitted as if it stood alone."""
    how: How = PopularityCalibrated()
    """Method and its options."""
    k: Many = 10
    """Places that are chosen anew; after them the order is the model's."""
    pool: Many = 100
    """Highest items of the model that a list is chosen from."""
    seen: Literal["remove", "keep"] = "remove"
    """Whether items of the history take places; say keep where the evaluation keeps them."""

    @model_validator(mode="after")
    def _model_is_known(self) -> Self:
        if "name" not in self.model:
            raise ConfigError("option 'model' needs the name of a model with its options, e.g. {name: sasrec, dim: 64}")
        name = self.model["name"]
        if "needs-labels" in MODELS[name].tags or name == "rerank":
            raise ConfigError(f"the lists of model '{name}' cannot be chosen anew; name one that ranks the catalogue")
        checked(MODELS.config(name), base_options(self.model), f"re-ranked model '{name}'")
        return self


def base_options(model: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the model that is re-ranked."""
    return {key: value for key, value in model.items() if key != "name"}
