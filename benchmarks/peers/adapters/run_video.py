"""Frames of video files with OpenCV or torchcodec; run by the interpreter of the environment that has it.

Run: python run_video.py opencv|torchcodec TASK.json, whose keys are `files`, `frames` (numbers for each file), `size` and `out`.
Frames are scaled to cover a square and its middle is cut out, RGB; one thread. The first file's frames are written to `out`, to be
compared.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def opencv(path: str, wanted: list[int], size: int) -> Any:
    """Read frames one after the other and decode fully only those that are wanted: faster than jumping, and exact."""
    import cv2

    video = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    found, at = [], 0
    for number in wanted:
        while at <= number:
            video.grab()
            at += 1
        frame = cv2.cvtColor(video.retrieve()[1], cv2.COLOR_BGR2RGB)
        scale = size / min(frame.shape[:2])
        high, wide = max(size, round(frame.shape[0] * scale)), max(size, round(frame.shape[1] * scale))
        small = cv2.resize(frame, (wide, high), interpolation=cv2.INTER_AREA)
        top, left = (high - size) // 2, (wide - size) // 2
        found.append(small[top : top + size, left : left + size])
    return np.stack(found)


def torchcodec(path: str, wanted: list[int], size: int) -> Any:
    """Read frames by their numbers and scale them with torch."""
    from torch.nn import functional as F
    from torchcodec.decoders import VideoDecoder

    frames = VideoDecoder(path, num_ffmpeg_threads=1).get_frames_at(wanted).data.float()
    scale = size / min(frames.shape[2:])
    shape = [max(size, round(side * scale)) for side in frames.shape[2:]]
    small = F.interpolate(frames, size=shape, mode="bilinear", antialias=True)
    top, left = (shape[0] - size) // 2, (shape[1] - size) // 2
    return small[:, :, top : top + size, left : left + size].round().byte().permute(0, 2, 3, 1).numpy()


def main() -> None:
    """Read all files and print wall and CPU seconds and the version as JSON."""
    system, task = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    if system == "opencv":
        import cv2 as module

        module.setNumThreads(1)
    else:
        import torch
        import torchcodec as module

        torch.set_num_threads(1)
    read = {"opencv": opencv, "torchcodec": torchcodec}[system]
    first = read(task["files"][0], task["frames"][0], task["size"])  # also loads what is loaded late
    np.save(task["out"], first, allow_pickle=False)
    wall, cpu = time.perf_counter(), time.process_time()
    for path, wanted in zip(task["files"], task["frames"], strict=True):
        read(path, wanted, task["size"])
    seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps({**seconds, "version": module.__version__}))


if __name__ == "__main__":
    main()
