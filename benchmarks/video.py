"""Speed of video: frames that are decoded and sampled, beside OpenCV and torchcodec; steps of SV-Mix beside plain ones.

Run: OMP_NUM_THREADS=1 python benchmarks/video.py [decoding gather networks steps] [--opencv PYTHON] [--torchcodec PYTHON]
Both interpreters are those of environments of their own (`pip install opencv-python-headless`, `pip install torchcodec torch`);
without one its rows are left out. One thread everywhere. Systems take turns, and CPU seconds of the process are kept beside wall
seconds, which other work on the machine changes. `steps` trains with `reverie.video.recognition` on clips of noise: the accuracy of
cheaper options is what `reverie video study` measures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import torch
from common import record

from reverie.seeds import numpy_generator, seed_torch
from reverie.video.clip_set import ClipSet
from reverie.video.sampling import sample_indices

ADAPTER = Path(__file__).resolve().parent / "peers" / "adapters" / "run_video.py"
SIZE, FRAMES, BATCH = 80, 8, 16
"""Side of frames that are kept, frames of a view, clips of a step."""
CLIPS, LENGTH, SHAPE = 12, 90, (240, 320)
"""Videos that are decoded: how many, their frames, height and width."""
STEPS: Mapping[str, tuple[str, dict[str, int]]] = {
    "plain": ("none", {}),
    "sv-mix": ("sv-mix", {}),
    "sv-mix, selector every 2 steps": ("sv-mix", {"every": 2}),
    "sv-mix, selector every 4 steps": ("sv-mix", {"every": 4}),
    "sv-mix, features of 4 epochs": ("sv-mix", {"reuse": 4}),
    "sv-mix, every 2, features of 2 epochs": ("sv-mix", {"every": 2, "reuse": 2}),
    "sv-mix, every 4, features of 4 epochs": ("sv-mix", {"every": 4, "reuse": 4}),
}
PERIOD = 16
"""Steps after which every one of those options has taken all its turns: 4 epochs of 4 steps."""


def row(case: str, metric: str, value: float, unit: str, **more: str) -> dict[str, object]:
    """Return a row of the table."""
    return {"benchmark": "video", "case": case, "metric": metric, "value": value, "unit": unit, **more}


def clocked(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds of some work."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def write_videos(folder: Path) -> list[Path]:
    """Write videos of soft moving shapes, which compress as films do more than noise would."""
    from reverie.video.decoding import write_clip

    high, wide = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    paths = []
    for number in range(CLIPS):
        draw = numpy_generator(number, "video")
        speed, places = draw.uniform(-3, 3, (6, 2)), draw.uniform(0, 240, (6, 2))
        frames = np.empty((LENGTH, *SHAPE, 3), dtype=np.uint8)
        for t in range(LENGTH):
            y, x = (places + t * speed).T[:, :, None, None] % 240
            waves = np.sin((high - y) / 11) * np.cos((wide - x) / 17)
            frames[t] = np.stack([127 + 40 * waves[c : c + 2].sum(0) for c in range(3)], -1).astype(np.uint8)
        paths.append(folder / f"{number}.mp4")
        write_clip(paths[-1], frames, 30)
    return paths


def decoding(pythons: Mapping[str, str], rounds: int) -> list[dict[str, object]]:
    """Measure decoding of some frames of each video, and of all, beside peers, whose interpreters are given."""
    some, all_of_them = sample_indices(LENGTH, FRAMES, "segments")[0], np.arange(LENGTH)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_videos(folder)
        for case, wanted in ((f"{FRAMES} of {LENGTH} frames", some), (f"all {LENGTH} frames", all_of_them)):
            times, versions = race(paths, wanted, folder, pythons, rounds)
            for system, seconds in times.items():
                about = {"system": system, "version": versions[system]} if system in versions else {}
                for kind, each in zip(("", ", CPU"), zip(*seconds, strict=True), strict=True):
                    speed = len(wanted) * CLIPS / median(each)
                    rows.append(row(f"decoding, {case}", f"frames/s{kind}", speed, "frames/s", **about))
    return rows


def race(
    paths: list[Path], wanted: Any, folder: Path, pythons: Mapping[str, str], rounds: int
) -> tuple[dict[str, list[tuple[float, float]]], dict[str, str]]:
    """Let systems read the same frames in turns; return their wall and CPU seconds, and the versions of peers."""
    from reverie.video.decoding import read_frames

    task, out = folder / "task.json", folder / "first.npy"
    asked = {"files": [str(path) for path in paths], "frames": [wanted.tolist()] * len(paths), "size": SIZE, "out": str(out)}
    task.write_text(json.dumps(asked))
    first = read_frames(paths[0], wanted, SIZE)
    times: dict[str, list[tuple[float, float]]] = {"reverie": []}
    versions: dict[str, str] = {}
    for turn in range(rounds):
        times["reverie"].append(clocked(lambda: [read_frames(path, wanted, SIZE) for path in paths]))
        for system, python in pythons.items():
            if (turn == 0 or system in versions) and (found := peer(python, system, task)):
                times.setdefault(system, []).append((found["wall"], found["cpu"]))
                versions[system] = found["version"]
                if turn == 0:
                    apart = np.abs(np.load(out, allow_pickle=False).astype(float) - first).mean()
                    print(f"{system}: a pixel differs from ours by {apart:.2f} of 255 in the mean")
    return times, versions


def peer(python: str, system: str, task: Path) -> dict[str, Any] | None:
    """Run a peer; None where it does not run here."""
    done = subprocess.run([python, str(ADAPTER), system, str(task)], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{system} does not run: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}")
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def noise(clips: int, frames: int, size: int) -> ClipSet:
    """Return clips of noise in memory."""
    made = numpy_generator(0, "noise").integers(0, 256, (clips, frames, size, size, 3), dtype=np.uint8)
    return ClipSet.from_arrays("noise", made, np.arange(clips) % 8, [str(k) for k in range(8)])


def gather(rounds: int) -> list[dict[str, object]]:
    """Measure batches out of prepared clips."""
    clips, draw = noise(200, 16, SIZE), numpy_generator(0, "batches")
    batches = [(draw.integers(0, 200, BATCH), draw.integers(0, 16, (BATCH, FRAMES))) for _ in range(20)]
    seconds = [clocked(lambda: [clips.gather(*batch) for batch in batches]) for _ in range(rounds)]
    case = f"prepared clips, batches of {BATCH} x {FRAMES}"
    return [row(case, f"frames/s{name}", 20 * BATCH * FRAMES / median(each), "frames/s")
            for name, each in zip(("", ", CPU"), zip(*seconds, strict=True), strict=True)]  # fmt: skip


def networks(rounds: int) -> list[dict[str, object]]:
    """Measure forward and backward of every network at 64 pixels, in turns."""
    from reverie.video.networks.create import NETWORKS, create_network

    names = [name for name, entry in NETWORKS.items() if not entry.tags & {"needs-folder", "needs-weights"}]
    seed_torch(0, "weights")
    made = {name: create_network(name, 8, FRAMES, 64) for name in names}
    clips, labels = torch.rand(BATCH, FRAMES, 3, 64, 64), torch.arange(BATCH) % 8
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for turn in range(rounds + 1):
        for name, network in made.items():
            found = clocked(lambda: torch.nn.functional.cross_entropy(network(clips), labels).backward())  # noqa: B023
            if turn:
                seconds[name].append(found)
    case = f"step of {BATCH} x {FRAMES} frames of 64 pixels"
    return [row(f"{case}, {name}", f"seconds{kind}", median(each), "s") for name in names
            for kind, each in zip(("", ", CPU"), zip(*seconds[name], strict=True), strict=True)]  # fmt: skip


def steps(network: str, periods: int) -> list[dict[str, object]]:
    """Measure updates of a training, plain and with SV-Mix and its cheaper options, one update of each in turns."""
    from reverie.video.mixing.create import create_mixer
    from reverie.video.networks.create import create_network
    from reverie.video.recognition.batches import ClipBatches
    from reverie.video.recognition.config import RecognitionConfig
    from reverie.video.recognition.learner import Learner
    from reverie.video.recognition.task import RecognitionTask
    from reverie.video.recognition.training import Training

    config, clips = RecognitionConfig(steps=10_000, batch_size=BATCH, frames=FRAMES), noise(4 * BATCH + 2, FRAMES, 72)
    every = np.arange(len(clips))
    task = RecognitionTask(clips, every[2:], every[:1], every[1:2], None, "noise")
    seconds: dict[str, list[tuple[float, float]]] = {case: [] for case in STEPS}
    with tempfile.TemporaryDirectory() as folder:
        trainings = {}
        for case, (mixer, options) in STEPS.items():
            seed_torch(0, "weights")
            student = create_network(network, 8, FRAMES, config.size)
            learner = Learner(student, create_mixer(mixer, channels=student.channels, **options), config, len(clips))
            source = ClipBatches(task, config, 0, torch.device("cpu"))
            trainings[case] = Training(learner, source, config.steps, 0, Path(folder) / str(len(trainings)))
        for at in range((periods + 1) * PERIOD):  # the first period is not counted
            for case, training in trainings.items():
                found = clocked(lambda: training._step(at))  # noqa: B023
                if at >= PERIOD:
                    seconds[case].append(found)
    rows, plain = [], [mean(each) for each in zip(*seconds["plain"], strict=True)]
    for case, found in seconds.items():
        for kind, each, base in zip(("", ", CPU"), zip(*found, strict=True), plain, strict=True):
            rows.append(row(f"{network}, {case}", f"seconds a step{kind}", mean(each), "s"))
            rows.append(row(f"{network}, {case}", f"times plain{kind}", mean(each) / base, "x"))
    return rows


def main() -> None:
    """Measure what is asked for and append the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["decoding", "gather", "networks", "steps"])
    parser.add_argument("--opencv", default="", help="interpreter of an environment with OpenCV")
    parser.add_argument("--torchcodec", default="", help="interpreter of an environment with torchcodec")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--periods", type=int, default=2, help=f"of {PERIOD} updates each")
    parser.add_argument("--networks", nargs="*", default=["tsm", "mvit"], help="whose steps are measured")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    pythons = {name: python for name in ("opencv", "torchcodec") if (python := getattr(chosen, name))}
    parts: dict[str, Callable[[], list[dict[str, object]]]] = {
        "decoding": lambda: decoding(pythons, chosen.rounds),
        "gather": lambda: gather(chosen.rounds),
        "networks": lambda: networks(chosen.rounds),
        "steps": lambda: [found for name in chosen.networks for found in steps(name, chosen.periods)],
    }
    unknown = [name for name in chosen.what if name not in parts]
    if unknown:
        sys.exit(f"unknown part {unknown[0]}; known: {', '.join(parts)}")
    for name in chosen.what:
        record(parts[name]())


if __name__ == "__main__":
    main()
