"""Collections of patterns by name: the written ones, those extracted from published phrases, those of a user's file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reverie.errors import DataError, nearest
from reverie.imagery.forms.extraction import ExtractionOptions, kept_extraction
from reverie.imagery.forms.patterns import WRITTEN, written_patterns
from reverie.imagery.forms.phrases import PhraseFilter, artists, collected_phrases, read_prompts
from reverie.imagery.lexicon import Lexicon
from reverie.imagery.records import FormPattern
from reverie.imagery.roles import LanguageModel

PACKAGED = (WRITTEN, "rules", "llm")
"""Names of collections; anything else is a file."""
SOURCE = "clip-interrogator 0.6.0"


def load_patterns(
    source: str, lexicon: Lexicon, model: Callable[[], LanguageModel] | None = None, named: str = "",
    tell: Callable[[str], None] = lambda line: None,
) -> tuple[FormPattern, ...]:  # fmt: skip
    """Return patterns of form.

    Parameters
    ----------
    source : str
        ``written``: the small set of this library. ``rules``, ``llm``: extracted from published phrases, fetched the first time, by
        rules or by a language model. Else a file of prompts, one a line, from which rules extract.
    lexicon : Lexicon
        Tells things and names from what may speak of form.
    model : callable or None
        Loads a language model for ``llm``, where that extraction is not kept yet.
    named : str
        Name of that model.
    tell : callable
        Told how far an extraction is.

    Raises
    ------
    DataError
        If there is no such file, or no pattern in it.
    ConfigError
        If the file is not text.
    """
    if source == WRITTEN:
        return written_patterns()
    if source in PACKAGED:
        options = ExtractionOptions(method="llm" if source == "llm" else "rules")
        load = model or _no_model
        return kept_extraction(collected_phrases(), SOURCE, options, PhraseFilter(lexicon, artists()), load, named, tell)
    path = Path(source).expanduser()
    if not path.exists():
        raise DataError(
            f"there is no file {source}{nearest(source, PACKAGED)}; give a file of prompts, or one of {', '.join(PACKAGED)}"
        )
    return kept_extraction(read_prompts(path), path.name, ExtractionOptions(), PhraseFilter(lexicon), _no_model)


def _no_model() -> LanguageModel:
    raise DataError("patterns extracted by a language model need one; name it by --llm")
