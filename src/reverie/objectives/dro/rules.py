"""Creation of temperature rules from options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverie.errors import ConfigError
from reverie.objectives.config import ByDensity, ByRadius, RuleConfig
from reverie.objectives.dro.adap_tau import AdapTau
from reverie.objectives.dro.anchor_tau import AnchorTau
from reverie.objectives.dro.learned import LearnedTemperature, learn_temperature

if TYPE_CHECKING:
    from numpy.typing import NDArray


def create_rule(config: RuleConfig, n_users: int, n_items: int) -> LearnedTemperature | AdapTau | AnchorTau:
    """Return the rule that options ask for."""
    bounds = {"minimum": config.minimum, "maximum": config.maximum}
    by_user = not isinstance(config, ByRadius) or config.form == "user"
    if by_user and n_users == 0:
        raise ConfigError(f"a temperature of kind '{config.kind}' differs by user, and there are no users here; give a number")
    if isinstance(config, ByRadius):
        return learn_temperature(config.radius, config.form, n_users if by_user else None, config.decay, **bounds)
    if isinstance(config, ByDensity):
        return AdapTau(n_users, n_items, None, config.beta, config.decay, **bounds)
    return AnchorTau(n_users, config.radius, config.initial, config.rate, config.momentum, config.gamma, **bounds)


def tell_counts(temperature: object, counts: NDArray[Any]) -> None:
    """Set the training counts of a temperature that needs them, as `AdapTau` does; counts [N + 1]."""
    if isinstance(temperature, AdapTau):
        temperature.count_events(int(counts[1:].sum()))
