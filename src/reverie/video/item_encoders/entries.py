"""The entries of this room in the registries of item encoders and extractors."""

from reverie.registry import Entry

_HERE = "reverie.video.item_encoders"
VIDEO = Entry(
    f"{_HERE}.video:create_video_encoder", f"{_HERE}.config:VideoOptions", "frames of clips through a network", "ni2023microlens"
)
AUDIO = Entry(f"{_HERE}.sound:create_audio_encoder", f"{_HERE}.config:AudioOptions", "sound of clips through a small network")
CLIPS = Entry(f"{_HERE}.extractors:Clips", "", "frames of videos, by EfficientNet-lite0")
SOUNDS = Entry(f"{_HERE}.extractors:Sounds", "", "sound of videos, by mean and deviation of log-mel bands")
