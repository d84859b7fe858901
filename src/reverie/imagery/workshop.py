"""What the stages work with, opened when it is first asked for: WordNet, icons, patterns, a language model, a renderer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reverie.errors import ConfigError
from reverie.imagery.forms.collections import load_patterns
from reverie.imagery.forms.form_library import FormLibrary
from reverie.imagery.icon_links import linked_icons
from reverie.imagery.icons import IconSet
from reverie.imagery.lexicon import Lexicon, load_lexicon
from reverie.imagery.norms import Norms, load_norms
from reverie.imagery.renderers.create import create_renderer
from reverie.imagery.roles import Renderer
from reverie.imagery.wordnet.senses import Part

if TYPE_CHECKING:
    from reverie.imagery.language import LocalLanguageModel


PARTS: tuple[Part, ...] = ("a", "n", "v")
READER = "smollm2-135m"
"""Language model that patterns of form are extracted by; the kept extraction does not depend on the one that ranks."""


class Workshop:
    """Everything that pictures of one run share.

    Parameters
    ----------
    icons : str
        Icon set that objects are looked up in.
    device : str or None
        Of the language model.
    offline : bool
        Whether only the cache and folders may be used.
    tell : callable
        Told how far long work is.
    """

    def __init__(
        self, icons: str = "openmoji", device: str | None = None, offline: bool = False,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:  # fmt: skip
        self.icon_set, self.device, self.offline, self.tell = icons, device, offline, tell
        self._models: dict[str, LocalLanguageModel] = {}
        self._libraries: dict[str, FormLibrary] = {}
        self._renderers: dict[str, Renderer] = {}

    @cached_property
    def lexicon(self) -> Lexicon:
        """WordNet."""
        return load_lexicon()

    @cached_property
    def icons(self) -> IconSet:
        """Labelled icons, with senses."""
        return linked_icons(self.lexicon, self.icon_set)

    @cached_property
    def norms(self) -> Norms:
        """How concrete words are."""
        return load_norms()

    def language_model(self, name: str | None) -> LocalLanguageModel | None:
        """Return a language model, loaded once; None for none."""
        if name is None:
            return None
        if name not in self._models:
            from reverie.imagery.language import load_language_model

            self._models[name] = load_language_model(name, self.device, self.offline)
        return self._models[name]

    def form_library(self, source: str) -> FormLibrary:
        """Return patterns of form, see `load_patterns`."""
        if source not in self._libraries:
            patterns = load_patterns(source, self.lexicon, self._reader, READER, self.tell)
            self._libraries[source] = FormLibrary(patterns, self.gloss)
        return self._libraries[source]

    def _reader(self) -> LocalLanguageModel:
        """Return the language model that extracts patterns of form, whichever one ranks."""
        found = self.language_model(READER)
        if found is None:
            raise ValueError("no language model")
        return found

    def renderer(self, options: Mapping[str, Any]) -> Renderer:
        """Return a renderer by its options."""
        key = json.dumps(dict(options), sort_keys=True)
        if key not in self._renderers:
            made = create_renderer(options)
            if made is None:
                raise ConfigError("the renderer 'none' paints nothing; leave the stage out")
            self._renderers[key] = made
        return self._renderers[key]

    def gloss(self, word: str) -> str:
        """Return the gloss of the first sense of a word, adjectives before nouns; nothing for a word without one."""
        word = word.strip(".,;:!?").lower()
        for part in PARTS:
            if found := self.lexicon.lookup(word, part):
                return self.lexicon.sense(found[0]).gloss
        return ""
