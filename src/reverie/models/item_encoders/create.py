"""Creation of an item encoder by its options."""

from reverie.data.vocabulary import Vocabulary
from reverie.models.item_encoders.config import IdOptions, ItemEncoderOptions
from reverie.models.item_encoders.shelf import ENCODERS
from reverie.nn.heads import IdTable
from reverie.protocols import ItemEncoder


def create_item_encoder(options: ItemEncoderOptions, vocabulary: Vocabulary, dim: int) -> ItemEncoder:
    """Return an encoder of a vocabulary's items into vectors of width `dim`, a torch module."""
    encoder: ItemEncoder = ENCODERS.build(options.kind)(options, vocabulary, dim)
    return encoder


def create_id_table(options: IdOptions, vocabulary: Vocabulary, dim: int) -> IdTable:
    """Return a trained vector for each item."""
    return IdTable(vocabulary.n_items, dim)
