"""`python -m variants.tracing MODULE`: run a module of either build with spans."""

from __future__ import annotations

import runpy
import sys
from importlib import import_module
from importlib.util import find_spec

from shared.platform.settings import load_or_exit
from variants.tracing.settings import TracingSettings

BUILDS = ("monolith", "microservices")


def main(*arguments: str) -> None:
    """Import the module to see which build it is made of, put spans around that, and run it."""
    if not arguments:
        raise SystemExit("usage: python -m variants.tracing MODULE [ARGUMENT...], for instance monolith.app")
    module, *rest = arguments
    load_or_exit(TracingSettings)
    name = _main_of(module)
    sys.argv = [name, *rest]  # a variant of any service is told which: see variants/services.py
    import_module(name)
    if rest and name.startswith("variants."):
        import_module(f"microservices.{rest[0]}.app")
    for build in BUILDS:
        if build in sys.modules:
            import_module(f"variants.tracing.{build}").install()
    del sys.modules[name]  # it is run once more, as what it is when it is started by itself
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _main_of(module: str) -> str:
    """Return the module that `python -m MODULE` runs. Exits where there is none."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        raise SystemExit(f"There is no module '{module}'.")
    return f"{module}.__main__" if spec.submodule_search_locations is not None else module


if __name__ == "__main__":
    main(*sys.argv[1:])
