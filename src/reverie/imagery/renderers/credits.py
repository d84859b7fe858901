"""Whose work is in a picture, written into the picture itself."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from reverie.imagery.records import Credit

LABEL = "inspired by TIAC: stages as published; prompts, retrieval and metric are our reading"
"""Stands wherever output of this room is shown."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def sentence(credits: Sequence[Credit]) -> str:
    """Return the credits as one line."""
    return "; ".join(f"{one.what} by {one.author} ({one.licence}{', ' + one.url if one.url else ''})" for one in credits)


def svg_metadata(credits: Sequence[Credit], software: str) -> str:
    """Return a ``metadata`` element in the terms of Dublin Core and Creative Commons."""
    works = "".join(
        f"<cc:Work><dc:title>{escape(one.what)}</dc:title><dc:creator>{escape(one.author)}</dc:creator><dc:rights>{escape(one.licence)}</dc:rights>"
        f"<dc:source>{escape(one.url)}</dc:source></cc:Work>"
        for one in credits
    )
    names = {
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "dc": "http://purl.org/dc/elements/1.1/",
        "cc": "http://creativecommons.org/ns#",
    }  # fmt: skip
    spaces = "".join(f" xmlns:{name}={quoteattr(address)}" for name, address in names.items())
    head = f"<dc:publisher>{escape(software)}</dc:publisher><dc:description>{escape(LABEL)}</dc:description>"
    return f'<metadata><rdf:RDF{spaces}><rdf:Description rdf:about="">{head}</rdf:Description>{works}</rdf:RDF></metadata>'


def png_texts(credits: Sequence[Credit], software: str) -> dict[str, str]:
    """Return the text chunks of a PNG file by keyword."""
    texts = {"Software": software, "Description": LABEL}
    return {**texts, "Copyright": sentence(credits)} if credits else texts


def with_texts(png: bytes, texts: Mapping[str, str]) -> bytes:
    """Return a PNG file with international text chunks after its header.

    Parameters
    ----------
    png : bytes
    texts : mapping
        Text by keyword of Latin letters.

    Returns
    -------
    bytes
        The pixels are as they were.
    """
    if png[:8] != _SIGNATURE:
        raise ValueError("not a PNG file")
    end = 8 + 12 + struct.unpack(">I", png[8:12])[0]
    chunks = b"".join(_chunk(b"iTXt", key.encode("latin-1") + b"\0\0\0\0\0" + text.encode()) for key, text in texts.items())
    return png[:end] + chunks + png[end:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Return one chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
