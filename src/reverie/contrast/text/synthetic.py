"""Made-up sentences about a few topics, and pairs whose topics are known."""

from __future__ import annotations

import numpy as np

from reverie.contrast.text.pairs import Pairs, TextData, unlabelled
from reverie.seeds import numpy_generator

TOPICS, WORDS, FILLERS = 8, 12, 6
_SYLLABLES = tuple(a + b for a in "bdgklmnprstv" for b in "aeiou")


def synthetic_data(n_train: int = 400, n_valid: int = 150, n_test: int = 300) -> TextData:
    """Draw sentences of three words on each of two topics among as many filler words, which mean nothing."""
    generator = numpy_generator(0, "synthetic sentences")
    chosen = generator.choice(len(_SYLLABLES) ** 3, TOPICS * WORDS + FILLERS, replace=False)
    syllables = np.unravel_index(chosen, (len(_SYLLABLES),) * 3)
    vocabulary = np.array(["".join(_SYLLABLES[number] for number in word) for word in zip(*syllables, strict=True)])

    def draw(n: int) -> Pairs:
        topics = generator.permuted(np.tile(np.arange(TOPICS), (2, n, 1)), axis=2)[..., :2]
        same = generator.integers(3, size=n)
        topics[1, :, 0] = np.where(same > 0, topics[0, :, 0], topics[1, :, 0])
        topics[1, :, 1] = np.where(same > 1, topics[0, :, 1], topics[1, :, 1])
        about = topics.repeat(3, axis=2) * WORDS + generator.integers(WORDS, size=(2, n, 6))
        filling = TOPICS * WORDS + generator.integers(FILLERS, size=(2, n, 6))
        sides = vocabulary[generator.permuted(np.concatenate([about, filling], axis=2), axis=2)]
        first, second = (tuple(" ".join(row) for row in side) for side in sides)
        shared = [len(set(a) & set(b)) for a, b in zip(*topics.tolist(), strict=True)]
        return Pairs(first, second, np.array(shared, dtype=float))

    train, valid, *tests = (draw(n) for n in (n_train, n_valid, n_test, n_test))
    sentences, removed = unlabelled([train], [valid, *tests])
    return TextData(sentences, valid, dict(zip(("sts_b", "sick_r"), tests, strict=True)), removed)
