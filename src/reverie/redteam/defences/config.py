"""Options of hardening, readable without torch."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from reverie.llm.config import LoraConfig
from reverie.options import Options
from reverie.training.config import TrainingConfig


class HardeningConfig(Options):
    """Rounds of fine-tuning on what got through, as SAP's defence (arXiv 2310.12505), with its faults mended.

    As published: LoRA of rank 16, alpha 16 and dropout 0.05 on the projections of attention, learning rate 0.0003, each round going
    on from the adapter of the one before. Ours: smaller batches and a least number of updates in the place of 20 epochs of 128
    rows (20 updates for 240 prompts), the prompt masked, several refusals, benign requests mixed in, and a warm-up that fits into
    the training (the published one, 100 steps, is longer than those 20 updates).
    """

    lora: LoraConfig = LoraConfig(rank=16, alpha=16, dropout=0.05, targets=("q_proj", "k_proj", "v_proj", "o_proj"))
    """The update."""
    epochs: PositiveInt = 4
    """Least passes over a round's examples."""
    least_updates: PositiveInt = 40
    """Updates of a round; where little got through, there are more passes than `epochs`."""
    batch_size: PositiveInt = 8
    """Examples of an update."""
    learning_rate: PositiveFloat = 3e-4
    """Peak rate of AdamW, going down to zero along half a cosine."""
    warmup: float = Field(default=0.1, ge=0, le=0.9)
    """Share of a round's updates over which the rate grows."""
    mask_prompt: bool = True
    """Whether only the answer is learned; without it the model also learns to write attacks (the ablation ``lora-unmasked``)."""
    refusals: PositiveInt = Field(default=8, le=8)
    """Wordings of the refusal; 1 is SAP's single sentence."""
    benign_share: float = Field(default=0.5, ge=0, le=0.9)
    """Share of benign requests among the examples, with the answers that the model gave before hardening."""
    keep_earlier: bool = True
    """Whether a round also learns what got through in the rounds before it."""
    regenerate: bool = True
    """Whether each round's attacks are made anew against the hardened model; without it the first round's are learned again (the
    ablation ``without_regen``)."""
    fewest: NonNegativeInt = 3
    """A round in which no more distinct attacks than this got through trains nothing and keeps the last adapter; as published, the
    rounds end there."""
    longest: PositiveInt = 512
    """Tokens of an example; the middle of a longer prompt is left out, and an answer is cut at half of them."""
    seed: NonNegativeInt = 0
    """Of refusals, the order of examples, dropout and the adapter's first weights."""

    def training(self, examples: int, seed: int) -> TrainingConfig:
        """Return how a round with so many examples is trained; the warm-up is a share of its real number of updates."""
        return TrainingConfig(
            epochs=self.passes(examples), batch_size=self.batch_size, learning_rate=self.learning_rate, schedule="cosine",
            warmup_steps=self.warmup_steps(examples), clip=1.0, seed=seed,
        )  # fmt: skip

    def passes(self, examples: int) -> int:
        """Return how many passes over so many examples a round makes."""
        return max(self.epochs, -(-self.least_updates // -(-examples // self.batch_size)))

    def updates(self, examples: int) -> int:
        """Return how many updates a round with so many examples makes."""
        return self.passes(examples) * -(-examples // self.batch_size)

    def warmup_steps(self, examples: int) -> int:
        """Return the updates of a round over which the rate grows."""
        return warmup_steps(self.updates(examples), self.warmup)


def warmup_steps(updates: int, share: float) -> int:
    """Return the steps of a warm-up, fewer than the updates there are."""
    return min(round(share * updates), max(updates - 1, 0))


class ConsistencyConfig(Options):
    """Fine-tuning of a scorer so that text planted in a title does not move its score."""

    weight: NonNegativeFloat = 1.0
    """Of the squared difference between scores with and without planted text, in squared logits, beside the loss on labels."""
    rows: PositiveInt = 512
    """Labelled training rows, drawn once by the seed."""
    epochs: PositiveInt = 1
    """Passes over them."""
    batch_size: PositiveInt = 8
    """Rows of an update."""
    learning_rate: PositiveFloat = 3e-4
    """Peak rate of AdamW, going down to zero along half a cosine."""
    warmup: float = Field(default=0.1, ge=0, le=0.9)
    """Share of the updates over which the rate grows."""
    seed: NonNegativeInt = 0
    """Of the rows, the planted texts and the order."""

    def training(self, rows: int) -> TrainingConfig:
        """Return how so many rows are trained."""
        updates = self.epochs * -(-rows // self.batch_size)
        return TrainingConfig(
            epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.learning_rate, schedule="cosine",
            warmup_steps=warmup_steps(updates, self.warmup), clip=1.0, seed=self.seed, metric="auc",
        )  # fmt: skip
