"""Race of SASRec in five libraries to one common NDCG@10 on validation.

Run: python benchmarks/peers/race.py [--cases ml-100k amazon-beauty] [--cores 0 1]
Missing environments are made, finished runs are kept, so the command may be stopped and given again.
`--report` only writes the tables, the page and the plot again.
"""

from __future__ import annotations

import argparse
import queue
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from cells import Cell, finished, points, run_cell, split_of, write_events
from curves import best_setting, interleaved
from environments import interpreter
from page import write_report
from systems import CASES, SYSTEMS

from reverie.files import cache_folder
from reverie.study.store import Store


def tuning_cells(case: str, systems: Sequence[str]) -> list[Cell]:
    """Return every setting of every system on seed 0 with half the budget; systems take turns.

    Parameters
    ----------
    case : str
        Key of `CASES`.
    systems : sequence of str
        Which.

    Returns
    -------
    list of Cell
        In the order of running.
    """
    half = CASES[case].budget / 2
    turns = interleaved({name: list(SYSTEMS[name].settings[case]) for name in systems})
    return [Cell(case, system, setting, 0, half) for system, setting in turns]


def race_cells(case: str, chosen: dict[str, str], most: int = 3) -> list[Cell]:
    """Return the runs of the race: seeds 1, 2, … of the chosen settings; systems take turns.

    Parameters
    ----------
    case : str
        Key of `CASES`.
    chosen : dict of str to str
        Setting by system.
    most : int
        Seeds at most.

    Returns
    -------
    list of Cell
        In the order of running.
    """
    turns = interleaved({name: [str(seed + 1) for seed in range(min(CASES[case].seeds[name], most))] for name in chosen})
    return [Cell(case, system, chosen[system], int(seed), CASES[case].budget) for system, seed in turns]


def chosen_settings(case: str, systems: Sequence[str], work: Path) -> dict[str, str]:
    """Return the best tried setting of each system that has one.

    Parameters
    ----------
    case : str
        Key of `CASES`.
    systems : sequence of str
        Which.
    work : Path
        Folder of the race.

    Returns
    -------
    dict of str to str
        Setting by system.
    """
    values: dict[str, dict[str, float]] = {name: {} for name in systems}
    for result in finished(tuning_cells(case, systems), work):
        values[result["system"]][result["setting"]] = max(point.value for point in points(result))
    return {name: best_setting(tried) for name, tried in values.items() if tried}


def run_all(cells: Sequence[Cell], work: Path, environments: Path, cores: Sequence[int]) -> None:
    """Run cells, as many at a time as there are cores; a run that fails is reported and left out.

    Parameters
    ----------
    cells : sequence of Cell
        In the order of starting.
    work, environments : Path
        Folders of the race and of the virtual environments.
    cores : sequence of int
        One run on each.
    """
    waiting: queue.SimpleQueue[Cell] = queue.SimpleQueue()
    for cell in cells:
        waiting.put(cell)

    def worker(core: int) -> None:
        while not waiting.empty():
            cell = waiting.get()
            try:
                result = run_cell(cell, work, environments, core)
            except (subprocess.SubprocessError, OSError, ValueError) as error:
                print(f"failed: {cell}: {error}; see log.txt in {Store(work).place('cells', cell.facts())}", flush=True)
                continue
            curve = points(result)
            best = max(point.value for point in curve)
            print(
                f"{cell.case} {cell.system} [{cell.setting}] seed {cell.seed}: best {best:.4f} after {curve[-1].epoch:.1f} epochs, "
                f"wall {curve[-1].wall:.0f} s, cpu {curve[-1].cpu:.0f} s",
                flush=True,
            )

    threads = [threading.Thread(target=worker, args=(core,)) for core in cores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    """Run what is missing, then write the tables, the page and the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path, default=cache_folder() / "peers")
    parser.add_argument("--work", type=Path, default=cache_folder() / "peer-race", help="where runs are kept")
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS), default=list(SYSTEMS))
    parser.add_argument("--cores", nargs="+", type=int, default=[0], help="one run at a time on each of these cores")
    parser.add_argument("--seeds", type=int, default=3, help="at most so many seeds of a system")
    parser.add_argument("--report", action="store_true", help="run nothing")
    asked = parser.parse_args()
    if not asked.report:
        for name in asked.systems:
            interpreter(name, asked.environments)
        for case in asked.cases:
            split_of(case)
            write_events(case, asked.work)
            run_all(tuning_cells(case, asked.systems), asked.work, asked.environments, asked.cores)
            chosen = chosen_settings(case, asked.systems, asked.work)
            run_all(race_cells(case, chosen, asked.seeds), asked.work, asked.environments, asked.cores)
    tuned = {case: finished(tuning_cells(case, list(SYSTEMS)), asked.work) for case in CASES}
    raced = {case: finished(race_cells(case, chosen_settings(case, list(SYSTEMS), asked.work)), asked.work) for case in CASES}
    write_report(tuned, raced)


if __name__ == "__main__":
    main()
