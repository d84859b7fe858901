"""Records of the stages from a concept to a picture; each is plain, checked on reading, and may be edited in YAML.

The three layers, intent, object and form, and their order are those of TIAC [1]_; what the records hold is our reading.

.. [1] Text-to-image generation for abstract concepts, arXiv 2309.14623, AAAI 2024.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reverie.options import Options

ObjectSource = Literal["relation", "gloss", "cooccurrence", "symbol", "proposal", "user"]
"""Where an object came from: a WordNet relation, the gloss of the sense, a corpus, a tag of an icon, a language model, a person."""
SlotName = Literal["medium", "light", "palette", "composition", "viewpoint", "texture", "mood", "movement"]
SLOTS: tuple[SlotName, ...] = ("medium", "light", "palette", "composition", "viewpoint", "texture", "mood", "movement")
StageName = Literal["intent", "objects", "form", "prompt", "picture"]
STAGES: tuple[StageName, ...] = ("intent", "objects", "form", "prompt", "picture")


class Sense(Options):
    """A sense of a noun in WordNet 3.0."""

    id: str
    """Name in nltk's form: ``freedom.n.01``."""
    gloss: str
    """Definition, without the examples."""
    examples: tuple[str, ...] = ()
    lemmas: tuple[str, ...] = ()
    """Words of the sense, with blanks where WordNet has underscores."""
    score: float = 0.0
    """As the choice of the sense ranked it, larger is better; only to be compared within one concept."""


class Intent(Options):
    """What is meant: the chosen sense and the runners-up."""

    concept: str
    """The word as it was asked for, in lower case."""
    sense: Sense
    alternatives: tuple[Sense, ...] = ()
    by: Literal["order", "overlap", "likelihood", "random", "user"] = "order"
    """How the sense was chosen: WordNet's order, words in common with the sentence, a language model's likelihood."""
    sentence: str | None = None
    """The context, where one was given."""


class DepictedObject(Options):
    """A physical thing to be shown."""

    phrase: str = Field(min_length=1, max_length=100)
    """A noun or noun phrase in the singular, lower case: ``broken chain``."""
    sense: str | None = None
    """Its sense under "physical entity", in nltk's form; None for a phrase of a person."""
    source: ObjectSource = "user"
    relation: str = ""
    """The way from the concept to the object in words, e.g. ``gloss of freedom names bird``."""
    concreteness: float | None = Field(default=None, ge=1, le=7)
    """Rating from 1 to 5 (single words and expressions), or on the scale of its source."""
    score: float = 0.0
    """As the ranking of candidates had it; only to be compared within one concept."""
    icon: str | None = None
    """Name of the icon that shows it in the icon set, where there is one."""


class ObjectSet(Options):
    """What is shown: up to 8 objects, the main one first."""

    objects: tuple[DepictedObject, ...] = Field(max_length=8)
    ranked_by: Literal["norms", "likelihood", "user", "shuffled"] = "norms"


class FormPattern(Options):
    """How something is shown, never what: a phrase that people wrote, by slots."""

    id: str
    """Twelve digits of the hash of the normalised text."""
    text: str
    slots: dict[SlotName, str]
    """The parts of the text by what they speak of."""
    source: str
    """The collection or file that it came from."""
    extracted_by: Literal["rules", "llm", "written"] = "rules"


class Form(Options):
    """How it is shown: patterns of different slots, the best first."""

    patterns: tuple[FormPattern, ...] = Field(max_length=8)
    retrieved_by: Literal["bm25", "likelihood", "random", "user"] = "bm25"

    def slot(self, name: SlotName) -> str | None:
        """Return what the first pattern with a slot says of it."""
        return next((pattern.slots[name] for pattern in self.patterns if name in pattern.slots), None)


class Prompt(Options):
    """What a text-to-image model is asked for."""

    text: str
    negative: str = ""
    """What should not be seen."""
    rewritten_by: str | None = None
    """Language model that rewrote the template's text; None for the template itself."""
    lost: tuple[str, ...] = ()
    """Objects that a rewriting lost; the template is kept then."""


class Credit(Options):
    """Whose work is in a picture."""

    what: str
    author: str
    licence: str
    url: str = ""


class Picture(Options):
    """A rendered picture; files lie beside the YAML."""

    renderer: str
    seed: int
    png: str = Field(pattern=r"^[^/\\]+$")
    """File name."""
    sha256: str
    """Of the PNG file."""
    svg: str | None = Field(default=None, pattern=r"^[^/\\]+$")
    credits: tuple[Credit, ...] = ()
    shown: tuple[str, ...] = ()
    """Phrases of the objects that the renderer knows it has drawn; empty where it cannot tell."""
