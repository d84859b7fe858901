"""Attempts in the fields of garak's ``report.jsonl`` and ``hitlog.jsonl``, so that tools that read those read ours.

Field names are those of its releases of 2026; a probe is ``reverie.<technique>``, a detector
``reverie.<kind of goal>``. A run is named by the digest of its recipe, and no time is written, so equal runs give equal files.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import reverie
from reverie.files import write_text
from reverie.redteam.attempts import Attempt
from reverie.redteam.messages import Conversation

RESPONDED, EVALUATED = 1, 2
"""Status of an attempt whose response was not judged, as it failed, and of one that was."""


def write_garak(folder: Path, stem: str, run: str, generator: str, attempts: Sequence[Attempt]) -> list[Path]:
    """Write ``<stem>.report.jsonl`` and ``<stem>.hitlog.jsonl``.

    Parameters
    ----------
    folder : Path
        Where to write.
    stem : str
        Begin of the file names.
    run : str
        Names the run; the same name gives the same ids.
    generator : str
        What was attacked.
    attempts : sequence of Attempt
        What was tried.

    Returns
    -------
    list of Path
        The two files.
    """
    run_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"reverie:{run}"))
    files = [folder / f"{stem}.report.jsonl", folder / f"{stem}.hitlog.jsonl"]
    write_text(files[0], _lines(report_rows(attempts, run_id, generator)))
    write_text(files[1], _lines(hit_rows(attempts, run_id, generator)))
    return files


def report_rows(attempts: Sequence[Attempt], run_id: str, generator: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a report: setup, one for each attempt, and one for each technique and kind of goal."""
    probes = ",".join(sorted({_probe(one) for one in attempts}))
    named = {"plugins.target_type": "reverie", "plugins.target_name": generator, "plugins.probe_spec": probes}
    setup = {"entry_type": "start_run setup", "_config.version": reverie.__version__, "transient.run_id": run_id}
    yield setup | named | {"run.generations": 1}
    yield {"entry_type": "init", "garak_version": f"reverie {reverie.__version__}", "start_time": None, "run": run_id}
    groups: dict[tuple[str, str], list[Attempt]] = {}
    for seq, one in enumerate(attempts):
        groups.setdefault((_probe(one), _detector(one)), []).append(one)
        failed = bool(one.response.failure)
        output = None if failed else {"text": one.response.text, "lang": "en"}
        scores = {} if failed else {_detector(one): [_score(one)]}
        yield {
            "entry_type": "attempt", "uuid": _id(seq, one, run_id), "seq": seq, "status": RESPONDED if failed else EVALUATED,
            "probe_classname": _probe(one), "probe_params": {}, "targets": [], "prompt": _prompt(one.tried.turns),
            "outputs": [output], "detector_results": scores, "notes": _notes(one), "goal": one.tried.goal.request,
            "conversations": [], "reverse_translation_outputs": [],
        }  # fmt: skip
    for (probe, detector), mine in sorted(groups.items()):
        nones, fails = sum(bool(one.response.failure) for one in mine), sum(one.finding.success for one in mine)
        judged = len(mine) - nones
        yield {"entry_type": "eval", "probe": probe, "detector": detector, "passed": judged - fails, "fails": fails, "nones": nones,
               "total_evaluated": judged, "total_processed": len(mine)}  # fmt: skip
    yield {"entry_type": "completion", "end_time": None, "run": run_id}


def hit_rows(attempts: Sequence[Attempt], run_id: str, generator: str) -> Iterator[dict[str, Any]]:
    """Yield a row for each attempt that got through."""
    for seq, one in enumerate(attempts):
        secret = [one.tried.goal.secret] * bool(one.tried.goal.secret)
        if one.finding.success:
            yield {
                "goal": one.tried.goal.request, "prompt": _prompt(one.tried.turns), "triggers": secret or None,
                "output": {"text": one.response.text, "lang": "en"}, "score": _score(one), "run_id": run_id, "attempt_seq": seq,
                "attempt_id": _id(seq, one, run_id), "attempt_idx": 0, "generator": f"reverie {generator}", "probe": _probe(one),
                "detector": _detector(one), "generations_per_prompt": 1,
            }  # fmt: skip


def _probe(one: Attempt) -> str:
    return f"reverie.{one.tried.technique}"


def _detector(one: Attempt) -> str:
    return f"reverie.{one.tried.goal.kind}"


def _score(one: Attempt) -> float:
    """Return 1 for what got through, else 0: garak's threshold is on a score of its own, ours on the finding."""
    return float(one.finding.success)


def _id(seq: int, one: Attempt, run_id: str) -> str:
    return str(uuid.uuid5(uuid.UUID(run_id), f"{seq}:{one.id}"))


def _prompt(turns: Conversation) -> dict[str, Any]:
    return {"turns": [{"role": turn.role, "content": {"text": turn.text, "lang": "en"}} for turn in turns]}


def _notes(one: Attempt) -> dict[str, Any]:
    tried = one.tried
    named = {
        "goal_id": tried.goal.id,
        "part": tried.goal.part,
        "parents": list(tried.parents),
        "call": one.call,
        "seed": tried.seed,
    }
    return named | {"found": list(one.finding.notes), "failure": one.response.failure, "blocked": one.response.blocked}


def _lines(rows: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
