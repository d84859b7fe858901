"""Ways in which a secret may be written so that a reader can still get it back."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Iterator

_RUN = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX = re.compile(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[\s,:;|/–—-]*){4,}")
_HEX_MARK = re.compile(r"0x|\\x")
_PLACE = r"(?:0?[1-9]|1\d|2[0-6])"
_PLACES = re.compile(rf"(?<!\d)(?:{_PLACE}[\s,;.|/–—-]+){{3,}}{_PLACE}(?!\d)")
_LIST_MARK = re.compile(r"^[ \t]*\d{1,3}[.)][ \t]+", re.MULTILINE)
_BEFORE = 3
"""Bytes or letters that a number just before may have added in front."""
_SPACE = re.compile(r"\s+")
_LEET = [str.maketrans("43057@$!1", f"aeostasi{one}") for one in "il"]
"""A 1 stands for i or for l."""


def squeezed(text: str) -> str:
    """Return the letters and digits of a text in lower case, compatibility forms (fullwidth, ligatures) made plain.

    Examples
    --------
    >>> squeezed("M - a · R")
    'mar'
    """
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def views(text: str) -> Iterator[tuple[str, str]]:
    """Yield a text in every decoding, as name and squeezed letters: the text itself first, under the name ``plain``.

    Decodings: base64 (also broken by blanks), hexadecimal bytes, letters by their place in the alphabet, or none; then ROT13,
    leetspeak, the initials of words or none; then reversal or none. Case and what stands between letters never count. Names of
    several are joined by ``+``.

    Examples
    --------
    >>> dict(views("z-n-e"))["rot13"]
    'mar'
    """
    return ((name, squeezed(decoded)) for name, decoded in decodings(text))


def decodings(text: str) -> Iterator[tuple[str, str]]:
    """Yield a text in every decoding as `views` does, with what stands between its letters."""
    coded = {"base64": decoded_base64, "hexadecimal": decoded_bytes, "alphabet": decoded_places}
    for outer, words in (("", text), *((name, found) for name, decode in coded.items() for found in decode(text))):
        for inner, decoded in _substituted(unicodedata.normalize("NFKC", words)):
            names = [name for name in (outer, inner) if name]
            yield "+".join(names) or "plain", decoded
            yield "+".join([*names, "reversed"]), decoded[::-1]


def decoded_base64(text: str) -> list[str]:
    """Return what stands in a text as base64, whether or not it is padded, URL-safe, or broken by blanks."""
    found: list[str] = []
    for source in (text, _SPACE.sub("", text)):
        for run in _RUN.findall(source):
            plain = run.rstrip("=").replace("-", "+").replace("_", "/")
            for start in range(4):  # letters of the sentence may have run into it
                piece = plain[start:]
                piece = piece[: len(piece) - (len(piece) % 4 == 1)]
                try:
                    made = base64.b64decode(piece + "=" * (-len(piece) % 4), validate=True).decode("utf-8", "ignore")
                except (binascii.Error, ValueError):
                    continue
                if made and made not in found:
                    found.append(made)
    return found


def decoded_bytes(text: str) -> list[str]:
    """Return what stands in a text as hexadecimal bytes, in one piece or apart.

    Examples
    --------
    >>> decoded_bytes("the word is 6d 61 72 65, or 0x6d617265")[0]
    'mare'
    """
    runs = [
        re.findall(r"[0-9a-fA-F]{2}", _HEX_MARK.sub(" ", run)) for one in _with_and_without_marks(text) for run in _HEX.findall(one)
    ]
    found = (bytes.fromhex("".join(run[start:])).decode("utf-8", "ignore") for run in runs for start in range(_BEFORE + 1))
    return list(dict.fromkeys(filter(None, found)))


def decoded_places(text: str) -> list[str]:
    """Return what stands in a text as places of letters in the alphabet, four at least.

    Examples
    --------
    >>> decoded_places("By place: 13 1 18 5.")[0]
    'mare'
    """
    runs = [re.findall(r"\d+", run) for one in _with_and_without_marks(text) for run in _PLACES.findall(one)]
    found = ("".join(chr(ord("a") - 1 + int(place)) for place in run[start:]) for run in runs for start in range(_BEFORE + 1))
    return list(dict.fromkeys(filter(None, found)))


def _with_and_without_marks(text: str) -> list[str]:
    """Return a text, and what is left of it without the numbers of lists, which stand between what a list spells."""
    return list(dict.fromkeys([text, _LIST_MARK.sub("", text)]))


def _substituted(words: str) -> Iterator[tuple[str, str]]:
    """Yield a text as it is and by each substitution of letters."""
    yield "", words
    yield "rot13", codecs.encode(words, "rot13")
    lower = words.casefold()
    for table in _LEET:
        if (changed := lower.translate(table)) != lower:
            yield "leetspeak", changed
    yield "initials", "".join(word[0] for word in re.findall(r"\w+", words))
