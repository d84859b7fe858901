"""Creation of an item encoder by its options."""

from __future__ import annotations

from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError
from reverie.models.item_encoders.base import ContentEncoder
from reverie.models.item_encoders.config import IdOptions, ItemEncoderOptions
from reverie.models.item_encoders.shelf import ENCODERS
from reverie.nn.heads import IdTable

MADE = {"text": "titles", "image": "covers"}
"""What features of a modality can be made from, see `reverie.with_content`."""


def create_item_encoder(
    options: ItemEncoderOptions, vocabulary: Vocabulary, dim: int, table: str = "dense"
) -> IdTable | ContentEncoder:
    """Return an encoder of items into vectors, a torch module.

    Parameters
    ----------
    options : ItemEncoderOptions
        Of a registered kind.
    vocabulary : Vocabulary
        The items, and their content.
    dim : int
        Width D of the vectors.
    table : {"dense", "rowwise"}
        How rows of `id` are updated.

    Returns
    -------
    IdTable or ContentEncoder

    Raises
    ------
    ConfigError
        If the options ask for content that the vocabulary does not have.
    """
    require_content(options, vocabulary)
    encoder: IdTable | ContentEncoder = ENCODERS.build(options.kind)(options, vocabulary, dim)
    encoder.rowwise = table == "rowwise"
    return encoder


def require_content(options: ItemEncoderOptions, vocabulary: Vocabulary) -> None:
    """Refuse options that read content which a vocabulary does not have."""
    lacking = next((name for name in options.modalities if name not in vocabulary.content), None)
    if lacking is None:
        return
    has = ", ".join(vocabulary.content) or "none"
    made = (
        f"reverie.with_content(dataset, '{lacking}') makes it from {MADE[lacking]}" if lacking in MADE else "add it to its content"
    )
    raise ConfigError(f"item_encoder '{options.kind}' reads the content '{lacking}', and this dataset has {has}; {made}")


def create_id_table(options: IdOptions, vocabulary: Vocabulary, dim: int) -> IdTable:
    """Return a trained vector for each item."""
    return IdTable(vocabulary.n_items, dim)
