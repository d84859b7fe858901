"""How a video file is read: what it is allowed to open, when each frame is shown, and the colours of a frame."""
