"""Options of the split protocols, and `split_dataset`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, ValidationInfo, field_validator

from reverie.data.dataset import Dataset
from reverie.data.split import Split
from reverie.data.splits.moments import moment
from reverie.options import Options

None_: Any = Field(default=None, exclude_if=lambda value: value is None)
"""Of an option that keys of stored runs lack."""
When = str | int | float | None
Share = Annotated[float, Field(gt=0, lt=1)]


class ColdItems(Options):
    """See `reverie.data.splits.cold_items`."""

    share: Share = 0.1
    """Share of the items that are held out for the test."""
    valid: float = Field(default=0.05, ge=0, lt=1)
    """Share of the items that are held out for validation."""
    seed: NonNegativeInt = 0
    """Seed of the draw of items."""


class Cut(Options):
    """What every protocol can be followed by."""

    cold: ColdItems | None = Field(default=None, exclude_if=lambda cold: cold is None)  # keys of stored results lack it
    """Items that are held out at random, so that nobody has clicked them."""


class LeaveOneOut(Cut):
    """See `reverie.data.splits.leave_one_out`."""

    protocol: Literal["leave_one_out"] = "leave_one_out"
    last: PositiveInt = 1
    """How many final events of a user are the test targets; the event before them is the validation."""
    keep_last: PositiveInt | None = Field(default=None, exclude_if=lambda kept: kept is None)  # as above
    """Cut each user to so many last events first; all where not given."""


class Temporal(Cut):
    """See `reverie.data.splits.temporal`."""

    protocol: Literal["temporal"]
    valid: Share = 0.1
    """Share of events behind the validation moment and before the test moment."""
    test: Share = 0.1
    """Share of events behind the test moment."""
    targets: Literal["first", "all"] = "first"
    """Each user's first event after the moment, or every one."""
    at: When = None_
    """Where the test begins, in the place of a share: a date, a time, or seconds since 1970."""
    valid_at: When = None_
    """Where the validation begins; beside `at`."""
    until: When = None_
    """Where the test ends; beside `at`."""

    @field_validator("at", "valid_at", "until")
    @classmethod
    def _is_a_moment(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None:
            moment(value, str(info.field_name))
        return value


class ByUser(Cut):
    """See `reverie.data.splits.by_user`."""

    protocol: Literal["by_user"]
    valid: Share = 0.1
    """Share of users."""
    test: Share = 0.1
    """Share of users."""
    targets: Literal["last", "all"] = "last"
    """The last event of a user, or each but the first."""
    seed: NonNegativeInt = 0
    """Seed of the draw of users."""
    fold: PositiveInt | None = None_
    """Which of `folds` equal parts of the users is the test, in the place of a share."""
    folds: PositiveInt | None = None_
    """How many parts there are."""


class BySequence(Cut):
    """See `reverie.data.splits.by_sequence`."""

    protocol: Literal["by_sequence"]
    valid: Share = 0.1
    """Share of sequences."""
    test: Share = 0.1
    """Share of sequences."""
    empty: bool = True
    """Whether the first event of a sequence is asked about."""
    shortest: PositiveInt = 3
    """Sequences with fewer events are dropped."""
    by: Literal["first", "last"] = Field(default="first", exclude_if=lambda by: by == "first")  # keys of stored studies lack it
    """Whether the time of the first or of the last event orders the sequences."""


class Given(Cut):
    """See `reverie.data.splits.given`."""

    protocol: Literal["given"]
    empty: bool = True
    """Whether the first event of a held-out sequence is asked about."""
    valid: Share = 0.1
    """Share of training events drawn for validation where the files have no validation part."""
    seed: NonNegativeInt = 0
    """Seed of that draw."""


SplitConfig = Annotated[LeaveOneOut | Temporal | ByUser | BySequence | Given, Field(discriminator="protocol")]


def split_dataset(dataset: Dataset, config: SplitConfig) -> Split:
    """Cut a dataset as its options say."""
    from reverie.data.splits import PROTOCOLS, cold_items

    split = PROTOCOLS[config.protocol](dataset, **config.model_dump(exclude={"protocol", "cold"}))
    return split if config.cold is None else cold_items(split, **config.cold.model_dump())
