from __future__ import annotations


def filmstrip_figures(study, summary):
    return []
