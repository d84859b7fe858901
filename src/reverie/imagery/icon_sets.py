"""Icon sets that can be fetched, with their licences, and the tags of emoji; all of them come from npm."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.data.sources.fetchable import Weights
from reverie.imagery.records import Credit

FILES = ("icons.json", "chars.json", "metadata.json")


@dataclass(frozen=True)
class IconPackage:
    """A package of icons in Iconify's format, and whom to name beside a picture made of them."""

    files: Weights
    credit: Credit


def _package(name: str, version: str, digests: tuple[str, str, str], credit: Credit) -> IconPackage:
    addresses = {file: f"npm:@iconify-json/{name}@{version}!{file}" for file in FILES}
    return IconPackage(Weights("npm", addresses, dict(zip(FILES, digests, strict=True))), credit)


ICON_SETS = {
    "openmoji": _package(
        "openmoji",
        "1.2.29",
        (
            "7075331faab544067dbff4236471dd378bb5410aa05799a8a343c9ebf5c5984c",
            "8583c4c65723c22c043a50a27038c43d3d12de336ad409872b23356f4c3e3825",
            "617e3eedaba42998b18650918c74fda7d1c6fd62b21f61ae48573742c2879eb1",
        ),
        Credit(what="OpenMoji icons", author="the OpenMoji project", licence="CC BY-SA 4.0", url="https://openmoji.org"),
    ),
    "noto": _package(
        "noto",
        "1.2.9",
        (
            "9eac6ef4e7ec122b6f0e7ac281d61008afdbc720d0ce861e398b939daaa347c6",
            "91485653ca890bff640f2a6c2d7be62d625a90527b6b4d816b41593675bf5c8f",
            "2c2aa0df0fc8371d08cb6183f8f45eec0d73dce85fc4bbc8e17980ba024c4d5c",
        ),
        Credit(what="Noto Emoji icons", author="Google", licence="Apache-2.0", url="https://github.com/googlefonts/noto-emoji"),
    ),
    "twemoji": _package(
        "twemoji",
        "1.2.5",
        (
            "5d5d820790565b764f2728675d487c9ee4c1fc83916d8567d5aca8ba7527c242",
            "8e6a83d5a3ac185b2446154b9c4ee07c983bd4a5b2a21aa4b9ff04af9831eefe",
            "3e9271ca3ad7df6bb30a8819ed50e33501c0d98ea9098166357502306f1a2c34",
        ),
        Credit(what="Twemoji icons", author="Twitter", licence="CC BY 4.0", url="https://github.com/twitter/twemoji"),
    ),
    "fluent-emoji-flat": _package(
        "fluent-emoji-flat",
        "1.2.6",
        (
            "f5f4cf457c0db2ad5a2e42e033e02e0c87d10e43d0164cfffb3bb84914970a63",
            "7f084c5a95807edb4702a7c9f6f18e74d59026d1c34ceb8cae85df0b9a9f0a10",
            "4ed8946717f6cda4906929a6b666d572e57433aa159b7531737556ef16325248",
        ),
        Credit(what="Fluent Emoji icons", author="Microsoft", licence="MIT", url="https://github.com/microsoft/fluentui-emoji"),
    ),
}
TAGS = Weights(
    "npm",
    {"data.json": "npm:emojibase-data@17.0.0!en/data.json"},
    {"data.json": "ed014f1049bd370c5794f815850156196ac382850f51c3e9f6a9e83553fb3f01"},
)
"""Words that people look an emoji up by (emojibase, MIT)."""
TAGS_CREDIT = Credit(what="emojibase tags", author="Miles Johnson", licence="MIT", url="https://emojibase.dev")
