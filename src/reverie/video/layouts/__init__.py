"""Readers of labels: how folders of clips say what is in each file."""

from reverie.video.layouts.labelled import LabelledFile
from reverie.video.layouts.reading import LAYOUTS, read_layout

__all__ = ["LAYOUTS", "LabelledFile", "read_layout"]
