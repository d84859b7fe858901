"""The small encoder against loops, whatever else is in the batch, and words that nobody has met."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from reverie.contrast.text.encoders import MeanOfWords, Rarity, pair_cosines
from reverie.contrast.text.lexicon import POOL, Lexicon, TfIdf, bucketed_batches, spelled
from reverie.contrast.text.pairs import Pairs
from reverie.nn.sentences import LONGEST, Tokens, encoded

KNOWN = ["the cat sat on the mat", "the dog", "a a mat"]


def _naive(encoder: MeanOfWords, sentence: str, known: Sequence[str] | None) -> Tensor:
    """One word after another, in float64."""
    table, u, b = encoder.table.double(), encoder.weigh.weight[0].double(), encoder.weigh.bias[0].double()
    total, weight = torch.zeros(table.shape[1], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    for word in sentence.lower().split()[:LONGEST]:
        first, *parts = (table[zlib.crc32(feature.encode()) % len(table)] for feature in spelled(word))
        vector = first
        for part in parts:
            vector = vector + 2.0 / len(parts) * part
        amount = torch.log(1 + torch.exp(u @ vector + b))
        if known is not None:
            amount = amount * (math.log((1 + len(known)) / (1 + sum(word in other.split() for other in known))) + 1)
        total, weight = total + amount * vector, weight + amount
    return total / weight


@pytest.mark.parametrize("known", [KNOWN, None])
def test_a_weighted_mean_of_words_in_value_and_gradient(known: list[str] | None) -> None:
    torch.manual_seed(0)
    encoder = MeanOfWords(64, 5, 2.0, 0.0, known)
    torch.nn.init.normal_(encoder.weigh.weight)
    sentences = ["The cat", "the unseen mat of of a dog", "mat"]
    got = encoder(*encoder.tokens(sentences).padded(np.arange(3)))
    expected = torch.stack([_naive(encoder, sentence, known) for sentence in sentences])
    torch.testing.assert_close(got.double(), expected, rtol=1e-5, atol=1e-6)
    parameters = [encoder.table, encoder.weigh.weight, encoder.weigh.bias]
    for ours, naive in zip(
        torch.autograd.grad(got.square().sum(), parameters), torch.autograd.grad(expected.square().sum(), parameters), strict=True
    ):
        torch.testing.assert_close(ours, naive, rtol=1e-4, atol=1e-6)


def test_before_training_it_is_a_plain_mean_and_dropout_makes_views() -> None:
    encoder = MeanOfWords(64, 5, 2.0, 0.5)
    tokens = encoder.tokens(["cat dog", "cat", "dog"])
    pair, cat, dog = encoder.eval()(*tokens.padded(np.arange(3)))
    torch.testing.assert_close(pair, (cat + dog) / 2)
    one, other = (encoder.train()(*tokens.padded(np.arange(3))) for _ in range(2))
    assert not torch.equal(one, other)


def test_vectors_depend_on_the_sentence_alone() -> None:
    encoder = MeanOfWords(512, 8, 2.0, 0.5, KNOWN).train()
    sentences = ["one", "", "two three four five", "the cat", "?!"]
    together = encoded(encoder, encoder.tokens(sentences))
    assert encoder.training
    again = MeanOfWords(512, 8, 2.0, 0.5, KNOWN)
    again.load_state_dict(encoder.state_dict())
    again.tokens(["met before", "in another order", "four"])
    alone = torch.cat([encoded(again, again.tokens([sentence])) for sentence in sentences])
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(5))
    torch.testing.assert_close(together[1], together[4])  # neither has a word
    cosines = pair_cosines(encoder, encoder.tokens(sentences), encoder.tokens(sentences[1:] + sentences[:1]))
    np.testing.assert_allclose(cosines, (together * together.roll(-1, 0)).sum(1).numpy(), rtol=1e-5)


def test_words_never_met_are_near_words_of_like_spelling() -> None:
    torch.manual_seed(0)
    encoder = MeanOfWords(4096, 256, 10.0, 0.0)
    near, far = pair_cosines(encoder, encoder.tokens(["walking", "walking"]), encoder.tokens(["walkings", "cucumber"]))
    assert near > 0.5 > abs(far) + 0.3


@given(st.text(alphabet="abcé", min_size=0, max_size=9))
def test_parts_of_words_are_counted_by_their_length(word: str) -> None:
    features = spelled(word)
    n = len(word) + 2
    assert features[0] == f"<{word}>"
    assert len(features) == 1 + max(n - 2, 0) + max(n - 3, 0) - (n in (3, 4))
    assert all(part in features[0] and part != features[0] for part in features[1:])


def test_long_sentences_are_cut() -> None:
    tokens = Lexicon(8, 1.0).tokens(["w " * 100, "w"])
    assert tokens.lengths.tolist() == [LONGEST, 1]


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=5), min_size=1, max_size=6))
def test_padding_is_behind_the_end(rows: list[list[int]]) -> None:
    tokens = Tokens.of(rows)
    chosen = np.arange(len(rows))[::-1]
    ids, mask = tokens.padded(chosen)
    assert ids.shape == mask.shape == (len(rows), max(map(len, rows)))
    for got, inside, row in zip(ids, mask, rows[::-1], strict=True):
        assert got[inside].tolist() == row
        assert inside.tolist() == [True] * len(row) + [False] * (ids.shape[1] - len(row))
        assert got[~inside].eq(0).all()


def test_rarity_counts_sentences_not_occurrences() -> None:
    lexicon = Lexicon(1, 0.0)
    rarity = Rarity(lexicon.tokens(KNOWN))
    the, a, new = (lexicon.tokens([word]).ids for word in ("the", "a", "new"))
    np.testing.assert_allclose(rarity(the), math.log(4 / 3) + 1)
    np.testing.assert_allclose(rarity(a), math.log(4 / 2) + 1)
    np.testing.assert_allclose(rarity(new), math.log(4 / 1) + 1)


def test_raw_cosines_are_those_of_weighted_counts() -> None:
    the, cat, new = math.log(4 / 3) + 1, math.log(4 / 2) + 1, math.log(4) + 1
    pairs = Pairs(("The cat, the cat", "dog", "same words"), ("the new", "mat", "words SAME"), np.zeros(3))
    expected = 2 * the * the / (2 * math.hypot(the, cat) * math.hypot(the, new))
    np.testing.assert_allclose(TfIdf(KNOWN).cosines(pairs), [expected, 0.0, 1.0])


@given(st.integers(2, 400), st.integers(2, 9), st.integers(0, 3))
def test_batches_hold_each_sentence_once_and_like_lengths(n: int, size: int, epoch: int) -> None:
    size = min(n, size)
    lengths = np.random.default_rng(n).integers(1, 30, size=n)
    batches = bucketed_batches(lengths, size, 7, epoch)
    assert [len(batch) for batch in batches] == [size] * (n // size)
    flat = np.concatenate(batches)
    assert len(np.unique(flat)) == len(flat)
    if len(batches) <= POOL:
        spans = sorted((int(lengths[batch].min()), int(lengths[batch].max())) for batch in batches)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert all(np.array_equal(a, b) for a, b in zip(batches, bucketed_batches(lengths, size, 7, epoch), strict=True))
