"""Somebody's own models: a class under a name for this session, the card of an object that has none, and what storing one needs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError, create_model
from pydantic.errors import PydanticUserError

from reverie.errors import ConfigError
from reverie.models.shelf import MODELS
from reverie.options import Options, checked
from reverie.protocols import Blends, Card, Recommender, Wraps
from reverie.registry import Entry

if TYPE_CHECKING:
    from reverie.data.vocabulary import Vocabulary

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Constructor:
    """How an own class is made of its options: parameters of its constructor, or one configuration."""

    cls: type
    options: tuple[str, ...] = ()
    takes_vocabulary: bool = False
    takes_config: bool = False

    def __call__(self, config: Any, vocabulary: Vocabulary) -> Any:
        """Return a new object of the class."""
        if self.takes_config:
            return self.cls(config, vocabulary)
        given = {name: getattr(config, name) for name in self.options}
        return self.cls(**given, **({"vocabulary": vocabulary} if self.takes_vocabulary else {}))


def register_model(name: str, cls: type, config: type[Options] | None = None, summary: str = "") -> None:
    """Give a class a name for this session: `create_model`, recipes in Python, comparisons and attacks find it under it.

    Nothing is written: another session registers it again. To have it everywhere, a package offers it by an entry point.

    Parameters
    ----------
    name : str
        A name that no model of Reverie or of an installed package has; an own one of before is replaced.
    cls : type
        Has ``scores(batch, items=None)`` and, where it can be fitted, ``fit_counts(train)`` or, as a torch module, ``plan`` and
        ``loss(batch)``; see `reverie.protocols`. To be stored, one that is no torch module has ``arrays`` and ``load_arrays``.
    config : type of Options, optional
        Its options; it is then made by ``cls(config, vocabulary)``. Without, the parameters of its constructor are its options, and
        one called ``vocabulary`` is given the ids of items and users.
    summary : str
        One line for lists.

    Raises
    ------
    ConfigError
        If the name is taken or the class is no model.

    Examples
    --------
    ``register_model("mine", Mine)``, then ``create_model("mine", split, power=2.0)``
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} cannot name a model; use letters, digits, '.', '_' and '-', e.g. 'mine'")
    MODELS.add(name, own_entry(cls, config, summary))


def own_entry(cls: Any, config: Any = None, summary: str = "") -> Entry:
    """Return the entry of an own class, whose options are a configuration, or else the parameters of its constructor."""
    if not isinstance(cls, type):
        raise ConfigError(f"a model is registered by its class, not by an object; write {type(cls).__name__} without brackets")
    if not callable(getattr(cls, "scores", None)):
        raise ConfigError(f"{cls.__name__} has no scores(batch, items=None), which every model needs: it returns [B, N] or [B, C]")
    tags = frozenset({"learns"} if hasattr(cls, "loss") else {"counts"} if hasattr(cls, "fit_counts") else ())
    if config is not None:
        if not (isinstance(config, type) and issubclass(config, Options)):
            raise ConfigError(f"the configuration of {cls.__name__} must be a class made from reverie.options.Options")
        return Entry(Constructor(cls, takes_config=True), config, summary, tags=tags)
    taken = _parameters(cls)
    fields = {one.name: (_kind(one), ... if one.default is one.empty else one.default) for one in taken if one.name != "vocabulary"}
    try:
        made = create_model(f"{cls.__name__}Options", __base__=Options, **fields)  # type: ignore[call-overload]
    except (TypeError, NameError, ValueError, PydanticUserError) as error:
        raise ConfigError(
            f"the constructor of {cls.__name__} has parameters that are no plain options ({str(error).splitlines()[0]}); "
            f"give it numbers and texts, or register it with config="
        ) from error
    return Entry(Constructor(cls, tuple(fields), len(taken) > len(fields)), made, summary, tags=tags)


def _parameters(cls: type) -> list[inspect.Parameter]:
    """Return the named parameters of a constructor, their annotations read where they can be."""
    try:
        signature = inspect.signature(cls, eval_str=True)
    except (NameError, SyntaxError, TypeError, AttributeError):
        signature = inspect.signature(cls)
    return [one for one in signature.parameters.values() if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]


def _kind(parameter: inspect.Parameter) -> Any:
    return Any if parameter.annotation is parameter.empty or isinstance(parameter.annotation, str) else parameter.annotation


def _registered(cls: type) -> tuple[str, Entry] | None:
    """Return the name and entry under which a class is registered in this session."""
    found = ((name, one) for name, one in MODELS.session.items() if isinstance(one.build, Constructor) and one.build.cls is cls)
    return next(found, None)


def entry_of(cls: Any) -> Entry:
    """Return the entry of an own class, the registered one where there is one."""
    found = _registered(cls)
    return own_entry(cls) if found is None else found[1]


def own_options(model: Any) -> Options:
    """Return the options of an own model as it stands: its attributes of the names of its constructor's parameters."""
    kind = type(model).__name__
    name, entry = _registered(type(model)) or (kind, own_entry(type(model)))
    if entry.build.takes_config:  # type: ignore[union-attr]  # an own entry has a Constructor
        raise ConfigError(f"{kind} was made without create_model, so its options are not known; make it by create_model('{name}')")
    names = entry.build.options  # type: ignore[union-attr]
    absent = [one for one in names if not hasattr(model, one)]
    if absent:
        raise ConfigError(f"{kind} does not keep '{absent[0]}', which its constructor takes; set self.{absent[0]} there")
    options: Any = checked(entry.config, {one: getattr(model, one) for one in names}, kind)  # type: ignore[arg-type]
    try:
        again: Any = checked(entry.config, options.model_dump(mode="json"), kind)  # type: ignore[arg-type]
        if type(options).model_validate_json(options.model_dump_json()) == again:
            found: Options = options
            return found
    except (ConfigError, ValidationError, ValueError, TypeError):
        pass
    raise ConfigError(f"the options of {kind} cannot be written as JSON; take numbers and texts in its constructor")


def adopt(model: Any, vocabulary: Vocabulary) -> Recommender:
    """Return a model that has a card; one without is given it, and speaks the codes of these ids from then on.

    Parameters
    ----------
    model : object
        With ``scores(batch, items=None)``; without ``history`` it is given whole histories.
    vocabulary : Vocabulary
        What its codes mean.

    Returns
    -------
    Recommender
        The same object.

    Raises
    ------
    ConfigError
        If it is a class or a name, has no ``scores``, or cannot take a card.
    """
    if getattr(model, "card", None) is not None and not isinstance(model, type):
        found: Recommender = model
        return found
    kind = type(model).__name__
    if isinstance(model, str):
        raise ConfigError(f"'{model}' is a name, not a model; make one with create_model('{model}', split)")
    if isinstance(model, type):
        raise ConfigError(f"{model.__name__} is a class, not a model; make an object of it: {model.__name__}()")
    if isinstance(advice := getattr(model, "no_model", None), str):
        raise ConfigError(advice)
    if not callable(getattr(model, "scores", None)):
        raise ConfigError(f"{kind} has no scores(batch, items=None), which every model needs: it returns [B, N] or [B, C]")
    if not isinstance(reads := getattr(model, "history", None), int | None) or isinstance(reads, bool):
        raise ConfigError(f"the history of {kind} is {type(reads).__name__}, not the number of events that it reads, or None")
    try:
        options: Options = own_options(model)
    except ConfigError:
        options = Options()  # `require_storable` says what is amiss
    name, _ = _registered(type(model)) or (kind, None)
    try:
        if not hasattr(model, "history"):
            model.history = None
        model.card = Card(name, options, vocabulary)
    except AttributeError as error:
        raise ConfigError(f"{kind} takes no attributes 'card' and 'history', which a model has; do not freeze it") from error
    return model  # type: ignore[no-any-return]


def card_of(model: Any, what: str) -> Card:
    """Return the card of a model, or say how one that has none gets it."""
    if isinstance(model, type):
        raise ConfigError(f"{model.__name__} is a class, and {what} needs a model; make one, {model.__name__}(…), and fit it")
    if (card := getattr(model, "card", None)) is None:
        kind = type(model).__name__
        remedy = f"fit or evaluate it first, or rv.adopt({kind.lower()}, split.vocabulary)"
        raise ConfigError(f"{kind} has no card, which tells {what} what the codes of its items mean; {remedy}")
    found: Card = card
    return found


def require_storable(model: Recommender) -> None:
    """Refuse, in one sentence, a model that `load_model` could not give back."""
    import torch

    card, kind = card_of(model, "save_model"), type(model).__name__
    if not isinstance(card.config, BaseModel):
        raise ConfigError(f"the card of {kind} holds no options, which save_model needs; leave the card to rv.adopt")
    if card.name not in MODELS or type(card.config) is Options:  # an own object that was never registered
        own_options(model)
    if card.name in MODELS:
        made = MODELS.build(card.name)
        cls = made.cls if isinstance(made, Constructor) else made
        if isinstance(cls, type) and not isinstance(model, cls):
            raise ConfigError(f"the card of {kind} names it '{card.name}', which is {cls.__name__}; register it by another name")
    if isinstance(model, Wraps):
        require_storable(model.base)
    if isinstance(model, torch.nn.Module | Blends):
        return
    needs = {"arrays": "arrays() gives its state as named arrays", "load_arrays": "load_arrays(arrays) takes back what arrays gave"}
    for method, does in needs.items():
        if not callable(getattr(model, method, None)):
            raise ConfigError(f"{kind} has no {method}, which save_model needs: {does}")


def fits(model: Any) -> Callable[..., Any] | None:
    """Return what an own or another model is fitted by counting with, if it is."""
    found = getattr(model, "fit_counts", None)
    return found if callable(found) else None


def count(model: Any, train: Any, measure: Callable[[], float] | None, seed: int) -> Mapping[str, Any]:
    """Fit by counting, and return the options that were chosen; a method that takes only `train` is given no more."""
    given, taken = (train, measure, seed), inspect.signature(model.fit_counts).parameters.values()
    several = any(one.kind is one.VAR_POSITIONAL for one in taken)
    places = sum(one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) for one in taken)
    chosen = model.fit_counts(*(given if several else given[:places]))
    return chosen if isinstance(chosen, Mapping) else {}
