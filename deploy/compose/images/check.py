"""Checks an image while it is built: `check.py MODULE[,MODULE] FOLDER...` imports, compiles, and refuses all else.

It runs inside the image, in the folder of the program, and knows nothing but the standard library.
"""

from __future__ import annotations

import compileall
import importlib
import py_compile
import sys
from pathlib import Path


def main(modules: str, *allowed: str) -> int:
    """Return 1, and say why, if a module cannot be imported or a file is in none of the allowed places."""
    root = Path.cwd()
    places = [Path(place) for place in allowed]
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        is_marker = inside.name in ("__init__.py", "py.typed") and any(
            inside.parent in place.parents for place in places
        )
        if path.is_file() and not is_marker and not any(inside.is_relative_to(place) for place in places):
            sys.stderr.write(f"this image shall not hold {inside}\n")
            return 1
    sys.dont_write_bytecode = True
    for module in modules.split(","):
        importlib.import_module(module)
    # The file system is read-only when the program runs. Hashed and unchecked: the same sources are the same layer.
    return not compileall.compile_dir(
        root, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH, workers=1
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
