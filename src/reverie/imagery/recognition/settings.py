"""Settings of the stages before a picture that a study may choose between on its development concepts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reverie.options import Options


class StageSettings(Options):
    """How intent, objects, form and prompt are made."""

    objects: int = Field(default=4, ge=1, le=8)
    """Objects of a concept at most."""
    drawable_only: bool = True
    """Whether only objects are taken that an icon shows."""
    forms: Literal["written", "rules", "llm"] = "written"
    """Where phrases of form come from: written for this library, or extracted by rules or by a language model."""
    retrieval: Literal["bm25", "likelihood", "random"] = "bm25"
    """How phrases are chosen for a concept; by chance is a control."""
    rewrite: bool = False
    """Whether the language model rewrites the prompt."""
