"""The targets and models of a recipe: their checked options, the facts that they are a function of, and opening them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from reverie.files import digests, sha256
from reverie.redteam.models.config import ChatModelConfig, LocalModel
from reverie.redteam.models.create import create_chat_model, model_config
from reverie.redteam.recipe import RedTeamRecipe
from reverie.redteam.roles import ChatModel, Target
from reverie.redteam.targets.config import ChatRecommenderTarget, ChatTarget, CoLLMTarget, TargetConfig
from reverie.redteam.targets.create import create_target, target_config

NO_MATTER = frozenset(
    {"device", "batch", "prefixes", "remembered", "threads", "timeout", "retries", "backoff", "parallel", "key_env"}
)
"""Options that change how answers are come by, not what they are."""

KEPT = ("model", "text", "adapter", "recommender", "recommender/model")
"""Folders of a study that hold the weights of its target."""
MODEL = "model"
"""Folder of a hardened recommender, in that of what a defence learned."""


class Targets:
    """The targets of a recipe and the attacker's own model.

    Parameters
    ----------
    recipe : RedTeamRecipe
        Options are checked here, before anything is loaded.
    device : str, optional
        Where local models run that do not say it themselves.
    """

    def __init__(self, recipe: RedTeamRecipe, device: str | None = None) -> None:
        self.device = device
        self.configs = {name: _named(target_config(values, f"targets.{name}"), name) for name, values in recipe.targets.items()}
        self.writer_config = None if recipe.writer is None else model_config(recipe.writer, "writer")
        self._facts: dict[str, Mapping[str, Any]] = {}
        self._open: dict[tuple[str, Path | None], Target] = {}
        self._known: dict[tuple[str, Path | None], Any] = {}

    def facts(self, name: str) -> Mapping[str, Any]:
        """Return everything that a target as it is depends on."""
        if name not in self._facts:
            config = self.configs[name]
            found = _without(config.model_dump(mode="json", exclude={"name"}))
            run = getattr(config, "run", None)
            if run is not None:
                found["run"] = {path.name: sha256(path) for path in sorted(Path(run).glob("*.yaml"))} | weights_digests(Path(run))
            model = getattr(config, "model", None)
            self._facts[name] = found | ({} if model is None else {"model": model_facts(model)})
        return self._facts[name]

    def open(self, name: str, adapter: Path | None = None) -> Target:
        """Return a target, with what a defence learned where its folder is given; the one before is let go."""
        if (name, adapter) not in self._open:
            self._open.clear()  # a language model takes half a gigabyte and more
            self._open[name, adapter] = target = create_target(self.config(name, adapter))
            model = getattr(target, "model", None)
            if model is not None and hasattr(model, "known"):  # kept when it is closed, as guards are tried after trainings
                model.known = self._known.setdefault((name, adapter), model.known)
        return self._open[name, adapter]

    @property
    def now(self) -> Target | None:
        """The open target, without its guards."""
        return next(iter(self._open.values()), None)

    def close(self) -> None:
        """Let the open target go."""
        self._open.clear()

    def config(self, name: str, adapter: Path | None = None) -> TargetConfig:
        """Return the options of a target, with an adapter where one is given and the device where none is said."""
        config = self.configs[name]
        if isinstance(config, ChatTarget | ChatRecommenderTarget) and isinstance(config.model, LocalModel):
            changed: dict[str, Any] = {} if adapter is None else {"adapter": str(adapter)}
            changed |= {} if config.model.device or self.device is None else {"device": self.device}
            return config.model_copy(update={"model": config.model.model_copy(update=changed)})
        if isinstance(config, CoLLMTarget) and adapter is not None:
            config = config.model_copy(update={"run": str(adapter / MODEL)})
        if self.device is not None and getattr(config, "device", self.device) is None:
            return config.model_copy(update={"device": self.device})
        return config

    @cached_property
    def writer(self) -> ChatModel | None:
        """The attacker's own model."""
        config = self.writer_config
        if isinstance(config, LocalModel) and config.device is None and self.device is not None:
            config = config.model_copy(update={"device": self.device})
        return None if config is None else create_chat_model(config)

    @property
    def writer_name(self) -> str:
        """What tells the weights of the attacker's own model apart; empty where there is none."""
        return "" if self.writer_config is None else weights_name(self.writer_config)

    def model_name(self, target: str) -> str:
        """Return the same of a target's language model; empty where it has none."""
        model = getattr(self.configs[target], "model", None)
        return "" if model is None else weights_name(model)


def weights_digests(run: Path) -> dict[str, str]:
    """Return the SHA-256 of the weights of a study of CoLLM or RecInterpreter, by their paths; none of its state."""
    kept = [folder for folder in (run, *(run / name for name in KEPT)) if folder.is_dir()]
    found = {folder: digests(folder, "*.safetensors") for folder in kept}
    return {(folder / name).relative_to(run).as_posix(): digest for folder, some in found.items() for name, digest in some.items()}


def weights_name(config: ChatModelConfig) -> str:
    """Return which model it is, however it is sampled."""
    named = ("name", "adapter", "file", "url", "model", "script")
    values = config.model_dump(mode="json")
    return " ".join(str(values[key]) for key in named if values.get(key))


def model_facts(config: ChatModelConfig) -> dict[str, Any]:
    """Return everything that the answers of a model depend on; of a folder or a file, what is in it rather than where it is."""
    found = _without(config.model_dump(mode="json"))
    for key in ("name", "adapter", "file"):
        place = Path(found[key]).expanduser() if isinstance(found.get(key), str) else None
        if place is not None and place.is_dir():
            found[key] = digests(place, "*.safetensors")
        elif place is not None and place.is_file():
            found[key] = sha256(place)
    return found


def _without(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in NO_MATTER}


def _named(config: TargetConfig, name: str) -> TargetConfig:
    """Return options of a target that is called as the recipe calls it."""
    return config.model_copy(update={"name": name})
