import numpy as np

from reverie.imagery.pixels.captions import caption_words, encode_captions, known_words, word_pieces
from reverie.imagery.pixels.config import CaptionConfig

CONFIG = CaptionConfig(words=3, pieces=6, buckets=512, dim=8)


def test_words_that_say_nothing_and_repetitions_are_left_out() -> None:
    assert caption_words("The cat, and a CAT on the tree (a)") == ["cat", "tree"]
    assert known_words(["a cat", "two trees", "cat"]) == ("cat", "trees", "two")


def test_words_of_training_captions_go_first_and_keep_their_order() -> None:
    prompt = "an abstract thing of hope, showing a bird and a broken chain"
    found = encode_captions([prompt], CONFIG, {"chain", "bird", "broken"})
    assert np.array_equal(found, encode_captions(["bird broken chain"], CONFIG))
    assert np.array_equal(encode_captions([prompt], CONFIG, {"ship"}), encode_captions([prompt], CONFIG))


def test_an_empty_text_is_all_zeros_and_a_long_one_is_cut() -> None:
    found = encode_captions(["", "one two three four five six"], CONFIG)
    assert found.shape == (2, 3, 6)
    assert not found[0].any()
    assert np.array_equal(found[1], encode_captions(["one two three"], CONFIG)[0])


def test_related_words_share_pieces_and_numbers_stay_in_the_table() -> None:
    first, other = set(word_pieces("candle", 12, 4096)) - {0}, set(word_pieces("candles", 12, 4096)) - {0}
    assert len(first & other) >= 5
    assert first != other
    assert not (set(word_pieces("anchor", 12, 4096)) & first)
    assert all(0 < number < 64 for number in word_pieces("extraordinary", 12, 64))
