"""Protocols of recommenders: scoring, learning, counting, vectors, generation, item encoders and scoring heads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from torch.nn import Parameter

    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary


@dataclass(frozen=True)
class Card:
    """What a model is: its registered name, its options and the ids its codes stand for.

    Parameters
    ----------
    name : str
        Registered name, e.g. ``"sasrec"``.
    config : pydantic model
        Its frozen options.
    vocabulary : Vocabulary
        External ids and titles.
    fitted : bool
        Whether `reverie.fit` or `reverie.load_model` made it what it is.
    """

    name: str
    config: Any
    vocabulary: Vocabulary
    fitted: bool = False


@runtime_checkable
class Recommender(Protocol):
    """Anything that can score items for histories."""

    card: Card
    history: int | None
    """How many of the most recent events the model reads; None for all of them."""

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the whole catalogue, shape [B, N] (column j is item code j + 1), or the candidates ``items [B, C]``, shape [B, C].

        Higher is better; every score is finite. Padding candidates (code 0) may score anything.
        """


class Scores(Protocol):
    """The least that a model of one's own has; `reverie.adopt`, and calls that fit or measure, give it a card."""

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the whole catalogue or candidates, as `Recommender.scores` does."""


@runtime_checkable
class Counts(Protocol):
    """A model fitted by counting, in one pass; it may choose options on validation."""

    def fit_counts(self, train: Sequences, measure: Callable[[], float] | None = None, seed: int = 0) -> dict[str, Any]:
        """Fit on `train`.

        `measure` returns the validation NDCG@10 of this model as it stands when called; a model that searches sets its state,
        calls it, and keeps the best. Without it, the options of the configuration are used as they are. Returns the options
        that were chosen, as overrides of the configuration (empty where nothing was chosen).
        """

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all fitted state as arrays."""

    def load_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` returned."""


@runtime_checkable
class Learns(Protocol):
    """A torch module trained by gradient steps.

    Optional further methods: ``observe(train)`` sees the training sequences once before the first step, ``parameter_groups()``
    gives the optimiser its groups, ``after_step()`` follows each step (moving averages, target networks), ``after_epoch(row)``
    may add cells to the log's row of an epoch and returns lines to print, ``choose(measure)`` chooses options on validation once
    training is over and returns them. Optional properties: ``warming_up`` is true while no weights are to be kept as the best yet,
    as in plain epochs before adversarial ones; ``rate_scale`` is the factor of the learning rate in the next step.
    """

    plan: str
    """Name of its batch plan."""

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return named scalar terms; the trainer minimises their sum."""

    def parameters(self) -> Iterator[Parameter]:
        """Return the parameters to train."""


@runtime_checkable
class Blends(Protocol):
    """A weighted sum of the standardised scores of other recommenders, which are fitted one by one."""

    parts: list[Recommender]
    """The others."""
    weights: list[float]
    """Their weights."""
    ready: list[bool]
    """Which of them are fitted already."""

    def settle(self, parts: Sequence[dict[str, Any]], weights: Sequence[float]) -> None:
        """Take weights, leave out parts of weight 0, and keep what the parts are, as options that name models."""


@runtime_checkable
class Wraps(Protocol):
    """Changes what another recommender says, which is fitted by itself before."""

    base: Recommender
    """The other."""

    def observe(self, train: Sequences) -> None:
        """See the training events once the other is fitted."""

    def tensors(self) -> dict[str, Tensor]:
        """Return the state beside that of the other."""

    def take(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `tensors` returned."""


@runtime_checkable
class Represents(Protocol):
    """A recommender whose scores are inner products; law: ``scores == represent @ item_table.T``."""

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return one vector per history, shape [B, D]."""

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N, shape [N, D]."""


@runtime_checkable
class HasVectors(Represents, Protocol):
    """One of which the state after each event can be read, too; the last one is what it represents a history by."""

    def states(self, batch: SequenceBatch) -> Tensor:
        """Return the state after each event, shape [B, L, D]."""


@runtime_checkable
class Imagines(Protocol):
    """A model that generates vectors of items that a person might like next."""

    def imagine(self, batch: SequenceBatch, n: int) -> Tensor:
        """Return n drawn item vectors per history, shape [B, n, D]."""


@runtime_checkable
class ItemEncoder(Protocol):
    """Where item vectors come from: an id table, frozen features, or a network over titles, covers or video."""

    def table(self) -> Tensor:
        """Return the vectors of items 1..N, shape [N, D]."""

    def encode(self, items: Tensor) -> Tensor:
        """Return the vectors of item codes, shape [*items.shape, D]; code 0 gives zeros."""


@runtime_checkable
class Head(Protocol):
    """How states meet items: the part of a model that turns both into scores, in full or in chunks."""

    @property
    def n_items(self) -> int:
        """Number of items N."""

    def scores(self, states: Tensor, items: Tensor) -> Tensor:
        """Return scores of item codes: ``items [M, K]`` gives [M, K]; ``items [K]`` (shared by all states) gives [M, K]."""

    def chunks(self, states: Tensor) -> Iterator[Chunk]:
        """Yield the catalogue in consecutive chunks; no chunk's scores are computed before they are asked for."""


class Chunk(Protocol):
    """A consecutive piece of the catalogue."""

    first: int
    """Item code of the first column."""
    size: int
    """Number of columns."""

    def scores(self, states: Tensor) -> Tensor:
        """Return scores of the piece, shape [M, size]; pure, so that a backward pass can compute it again."""
