"""What was imagined for a word: the settings, the record of each stage, and what each record was made from; kept as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from reverie.errors import ConfigError, DataError
from reverie.files import json_digest, write_text
from reverie.imagery.forms.choice import FormOptions
from reverie.imagery.records import STAGES, Form, Intent, ObjectSet, Picture, Prompt, StageName
from reverie.options import Options, checked
from reverie.plain_yaml import dump_yaml, read_yaml

FILE, LABEL = "imagine.yaml", "inspired by TIAC: stages as published; prompts, retrieval and metric are our reading"
_HEAD = f"""# Reverie: what was imagined, stage by stage ({LABEL}).
# Change a record (intent, objects, form or prompt) and run the same command again: what you wrote stays, and only later stages are
# made again. 'made' tells what each record was made from; leave it as it is.
"""


class ImagineSettings(Options):
    """What is asked for."""

    concept: str
    """A noun."""
    sentence: str | None = Field(default=None, max_length=2000)
    """A context that tells its senses apart."""
    seed: int = Field(default=0, ge=0)
    """One stream of it for each stage."""
    language_model: str | None = Field(default=None, min_length=1)
    """Ranks objects and forms and rewrites prompts; none by default."""
    given: tuple[Annotated[str, Field(max_length=100)], ...] = Field(default=(), max_length=8)
    """Objects of a person, in the place of found ones."""
    n_objects: int = Field(default=4, ge=1, le=8)
    """Objects at most."""
    drawable_only: bool = True
    """Whether every object must have an icon; a text-to-image model needs none."""
    forms: str = "written"
    """Patterns of form: ``written``, ``rules``, ``llm``, or a file of prompts, one a line."""
    form: FormOptions = FormOptions()
    """How a form is chosen."""
    rewrite: bool = False
    """Whether the language model rewrites the prompt."""
    renderer: dict[str, Any] = Field(default_factory=lambda: {"kind": "collage"})
    """Who paints, with its own options; kind ``none``: nobody."""
    size: int = Field(default=768, ge=32, le=2048)
    """Width and height of the picture."""


class MadeFrom(Options):
    """How a record came to be."""

    key: str
    """Hash of the settings and of the earlier records that it was made from."""
    digest: str
    """Hash of the record as it was made; a record with another one was changed by a person."""


class Imagined(Options):
    """The whole of it; stages that are not made yet are absent."""

    label: str = LABEL
    """What this is, and what it is not."""
    settings: ImagineSettings
    """What was asked for."""
    intent: Intent | None = None
    """What is meant."""
    objects: ObjectSet | None = None
    """What is shown."""
    form: Form | None = None
    """How it is shown."""
    prompt: Prompt | None = None
    """In words."""
    picture: Picture | None = None
    """Its file lies beside this one."""
    made: dict[StageName, MadeFrom] = Field(default_factory=dict)
    """What each record was made from."""

    def is_edited(self, stage: StageName) -> bool:
        """Return whether a person changed the record of a stage, or wrote it."""
        record: Options | None = getattr(self, stage)
        if record is None:
            return False
        return stage not in self.made or self.made[stage].digest != record_digest(record)

    def write(self, folder: Path) -> None:
        """Write it into a folder, stages in their order."""
        values = self.model_dump(mode="json", exclude_none=True)
        write_text(folder / FILE, _HEAD + dump_yaml(values))

    @property
    def digest(self) -> str:
        """Hash of all records."""
        return json_digest({stage: record_digest(getattr(self, stage)) for stage in STAGES if getattr(self, stage) is not None})


def record_digest(record: Options) -> str:
    """Return twelve digits of the hash of a record, behind a letter, so that no reader of YAML takes them for a number."""
    return "h" + json_digest(record.model_dump(mode="json"))[:12]


def stage_key(settings: Mapping[str, Any], records: Mapping[str, Options]) -> str:
    """Return twelve digits of the hash of what a record is made from, behind a letter."""
    return "h" + json_digest({"settings": dict(settings), **{name: record_digest(one) for name, one in records.items()}})[:12]


def read_imagined(path: Path) -> Imagined:
    """Read a file that `Imagined.write` wrote and a person may have changed, or a folder that holds one."""
    path = path / FILE if path.is_dir() else path
    if not path.exists():
        raise DataError(f"{path} does not exist; give a folder or a file that 'reverie imagine' wrote")
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds no mapping; restore it, or imagine again into another folder")
    return checked(Imagined, values, str(path))
