"""CoLLM as a registered model: what the entry point of the package names; imports neither torch nor the model."""

from reverie.registry import Entry

ENTRY = Entry(
    build="reverie.llm.collm.model:build",
    config="reverie.llm.collm.config:CoLLMConfig",
    summary="a language model that reads titles and collaborative vectors; taught by 'reverie collm'",
    paper="zhang2025collm",
    tags=frozenset({"learns", "needs-labels", "needs-titles", "needs-package:transformers", "cold-users", "cold-items"}),
)
