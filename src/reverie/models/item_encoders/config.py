"""Options of item encoders, looked up by their kind; readable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, SerializeAsAny

from reverie.errors import ConfigError
from reverie.models.item_encoders.shelf import ENCODERS
from reverie.options import Options


class ItemEncoderOptions(Options):
    """Base of the options of every kind; each sets its own `kind`."""

    kind: str
    """Registered kind of encoder."""


class IdOptions(ItemEncoderOptions):
    """A trained vector for each item."""

    kind: Literal["id"] = "id"


def _of_its_kind(value: Any) -> Any:
    """Return options as those of their kind."""
    if not isinstance(value, Mapping):
        return value
    kind = value.get("kind", "id")
    try:
        return ENCODERS.config(str(kind)).model_validate(value)
    except ConfigError as error:
        raise ValueError(str(error)) from error


ItemEncoderConfig = Annotated[SerializeAsAny[ItemEncoderOptions], BeforeValidator(_of_its_kind)]
"""Options of any registered kind of item encoder."""
