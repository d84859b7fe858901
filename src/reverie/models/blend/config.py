"""Options of a blend."""

from typing import Any, Self

from pydantic import Field, NonNegativeFloat, model_validator

from reverie.errors import ConfigError
from reverie.models.shelf import MODELS
from reverie.options import Few, Options, checked

OWN = ("name", "run", "training")
"""Keys of a part that are no options of its model."""


class BlendConfig(Options):
    """What is blended, and how the weights are found."""

    parts: tuple[dict[str, Any], ...] = Field(default=({"name": "co-occurrence"}, {"name": "sasrec"}), min_length=1)
    """Each is a model, with its ``name`` and options, and under ``training`` what its training does otherwise than the recipe's;
    or ``run`` is the folder of a finished run on the same split, taken as it is."""
    weights: tuple[NonNegativeFloat, ...] = ()
    """Weight of each part's standardised scores; empty chooses them on validation, and takes equal ones where there is none."""
    shares: Few = 20
    """How many shares of the whole, evenly spaced, the search tries for a part beside none."""
    sweeps: Few = 4
    """How often, at most, the search goes over all parts."""

    @model_validator(mode="after")
    def _parts_are_known(self) -> Self:
        for number, part in enumerate(self.parts):
            name, where = part.get("name"), f"part {number + 1} of the blend"
            if ("run" in part) == (name is not None) or ("run" in part and part_options(part)):
                raise ConfigError(f"{where} needs the name of a model with its options, or instead of both the folder of a run")
            if name is None:
                continue
            if "needs-labels" in MODELS[name].tags:
                raise ConfigError(f"{where}: model '{name}' scores labelled rows only and cannot be blended; leave it out")
            checked(MODELS.config(name), part_options(part), f"{where}, model '{name}'")
        if self.weights and (len(self.weights) != len(self.parts) or not sum(self.weights)):
            raise ValueError(f"'weights' must be {len(self.parts)} numbers, one for each part, and not all 0")
        return self

    @property
    def trials(self) -> int:
        """How many settings are tried on validation at most: weights, and what the parts choose for themselves."""
        named = [MODELS.config(part["name"])(**part_options(part)) for part in self.parts if "name" in part]
        own = sum(getattr(config, "trials", 0) or len(getattr(config, "grid", ())) for config in named)
        return own + (0 if self.weights else len(self.parts) * (1 + self.sweeps * self.shares))


def part_options(part: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a part's model."""
    return {key: value for key, value in part.items() if key not in OWN}
