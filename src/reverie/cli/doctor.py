"""`reverie doctor`: what this machine has."""

from reverie.cli.options import Json, console, print_json
from reverie.errors import ReverieError


def extras() -> dict[str, str]:
    """Return for each extra that the installed package offers whether all it brings is there, else how to have it."""
    import re
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        about = distribution("reverie")
    except PackageNotFoundError:
        return {}
    found = {name: "installed" for name in about.metadata.get_all("Provides-Extra") or ()}
    for line in about.requires or ():
        if extra := re.search(r"extra == ['\"]([^'\"]+)", line):
            try:
                distribution(re.split(r"[^\w.-]", line, maxsplit=1)[0])
            except PackageNotFoundError:
                found[extra[1]] = f"pip install 'reverie[{extra[1]}]'"
    return found


def doctor(json: Json = False) -> None:
    """Check versions, devices, cache, free space and which extras are installed.

    Example: reverie doctor
    """
    import os
    import shutil

    from reverie.data.sources.load import list_datasets
    from reverie.files import atomic_path, cache_folder
    from reverie.study.environment import environment

    facts = environment()
    cache = cache_folder()
    try:
        with atomic_path(cache / "doctor") as temporary:
            temporary.write_text("ok", encoding="utf-8")
        (cache / "doctor").unlink()
        writable = "yes"
    except ReverieError as error:
        writable = f"no: {error}"
    facts |= {
        "cache": str(cache),
        "cache writable": writable,
        "free space": f"{shutil.disk_usage(cache if cache.exists() else cache.anchor).free / 2**30:.1f} GiB",
        "REVERIE_DATA": os.environ.get("REVERIE_DATA", "not set"),
        "datasets": len(list_datasets()),
        "extras": extras(),
    }
    if json:
        print_json(facts)
        return
    screen = console()
    for key, value in facts.items():
        if isinstance(value, dict):
            screen.print(f"{key}:", markup=False)
            for inner, text in value.items():
                screen.print(f"  {inner:<14} {text}", markup=False)
        else:
            screen.print(f"{key:<16} {value}", markup=False)
