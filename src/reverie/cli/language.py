"""What the verbs about language models share."""

from __future__ import annotations

import os


def be_offline(offline: bool) -> None:
    """Keep a language model's weights from being fetched."""
    if offline:
        os.environ["REVERIE_OFFLINE"] = "1"
