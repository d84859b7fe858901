"""The entries of this room in the registry of item encoders."""

from reverie.registry import Entry

_HERE = "reverie.video.item_encoders"
VIDEO = Entry(
    f"{_HERE}.video:create_video_encoder", f"{_HERE}.config:VideoOptions", "frames of clips through a network", "ni2023microlens",
)  # fmt: skip
AUDIO = Entry(
    f"{_HERE}.sound:create_audio_encoder", f"{_HERE}.config:AudioOptions", "sound of clips as log-mel bands through a network"
)
