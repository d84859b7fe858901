"""Many files read in threads and written in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from reverie.study.progress import Progress, StepClock, duration
from reverie.video.layouts import LabelledFile
from reverie.video.preparing.one_clip import Read, read_file
from reverie.video.preparing.options import PrepareOptions
from reverie.video.preparing.writer import Writer


def read_all(
    names: Sequence[str], files: Mapping[str, LabelledFile], options: PrepareOptions, writer: Writer, workers: int, bar: Progress
) -> None:
    """Read files and write what is found.

    Parameters
    ----------
    names : sequence of str
        Which of the files.
    files : mapping of str to LabelledFile
    options : PrepareOptions
    writer : Writer
    workers : int
        Threads that decode; few pieces wait to be written, so memory does not grow with the folder.
    bar : Progress
    """
    clock = StepClock()
    with ThreadPoolExecutor(workers) as threads:
        clock.start()
        for read in in_order(threads, (partial(read_file, files[name].path, name, options) for name in names), 2 * workers):
            record = writer.write(read)
            bar.advance(record.file if not record.reason else f"left out: {record.file}")
            if clock.stop() and len(names) > clock.enough:
                bar.line(f"about {duration(clock.seconds * len(names))} for {len(names):,} files")
            clock.start()


def in_order(threads: ThreadPoolExecutor, work: Iterable[Callable[[], Read]], ahead: int) -> Iterator[Read]:
    """Yield what threads find in the order of the work, never more than some pieces ahead."""
    waiting: deque[Future[Read]] = deque()
    try:
        for one in work:
            waiting.append(threads.submit(one))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
