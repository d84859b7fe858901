"""Judges by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from reverie.imagery.icons import load_icons
from reverie.imagery.judging.config import ClipConfig, MatcherConfig, MinilmConfig
from reverie.imagery.judging.picture_judge import PictureJudge
from reverie.imagery.judging.pooling import Best, Named, Pooling
from reverie.imagery.judging.text_judge import SentenceJudge, SentenceVectors
from reverie.imagery.roles import ImageJudge, TextJudge
from reverie.options import Options, checked
from reverie.registry import Entry, Registry, load_object

_HERE = "reverie.imagery.judging"
TEXT_JUDGES = Registry(
    "judge of texts",
    {"minilm": Entry(f"{_HERE}.create:minilm_judge", f"{_HERE}.config:MinilmConfig", "cosine of sentence vectors")},
    "reverie.text_judges",
)
IMAGE_JUDGES = Registry(
    "judge of pictures",
    {
        "matcher": Entry(f"{_HERE}.create:matcher_judge", f"{_HERE}.config:MatcherConfig", "trained here on icons and scenes"),
        "clip": Entry(f"{_HERE}.create:clip_judge", f"{_HERE}.config:ClipConfig", "CLIP from a folder of weights"),
    },
    "reverie.image_judges",
)


def judge_config(registry: Registry, kind: str, options: Mapping[str, Any], where: str) -> Options:
    """Return the checked options of a judge, without loading it."""
    return cast("Options", checked(registry.config(kind), options, f"{where}: judge '{kind}'"))


def create_text_judge(kind: str, options: Mapping[str, Any], where: str = "judges") -> TextJudge:
    """Return a judge of texts."""
    return cast("TextJudge", load_object(TEXT_JUDGES[kind].build)(judge_config(TEXT_JUDGES, kind, options, where)))


def create_image_judge(kind: str, options: Mapping[str, Any], where: str = "judges") -> ImageJudge:
    """Return a judge of pictures."""
    return cast("ImageJudge", load_object(IMAGE_JUDGES[kind].build)(judge_config(IMAGE_JUDGES, kind, options, where)))


def judge_facts(registry: Registry, kind: str, options: Mapping[str, Any], where: str = "judges") -> dict[str, Any]:
    """Return everything that a judge's scores depend on, as plain values, without loading it.

    Of a matcher, the SHA-256 of its weights stands in the place of its folder.
    """
    config = judge_config(registry, kind, options, where)
    if isinstance(config, MatcherConfig):
        from reverie.imagery.matchers.kept import matcher_digest

        weights = {"weights": matcher_digest(config.name, config.folder)}
        return {"kind": kind} | weights | config.model_dump(mode="json", exclude={"folder", "name"})
    return {"kind": kind} | config.model_dump(mode="json")


def minilm_judge(config: MinilmConfig) -> SentenceJudge:
    """Return a judge of texts by sentence vectors."""
    return SentenceJudge(SentenceVectors(config.weights), config.template)


def matcher_judge(config: MatcherConfig) -> PictureJudge:
    """Return a judge of pictures that a study has trained."""
    from reverie.imagery.matchers.kept import open_matcher

    matcher = open_matcher(config.name, config.folder)
    pooling: Pooling = Best(config.best, matcher.average if config.centred else None)
    if config.pooling == "named":
        names = {icon.label for family in matcher.options.families for icon in load_icons(family).drawable}
        pooling = Named(matcher.words(sorted(names)), config.sharpness, config.names)
    return PictureJudge(matcher, pooling, config.template, grids=config.windows)


def clip_judge(config: ClipConfig) -> PictureJudge:
    """Return CLIP as a judge of pictures."""
    from reverie.imagery.judging.clip_judge import ClipMatcher

    return PictureJudge(ClipMatcher(config), template=config.template, grids=config.windows)
