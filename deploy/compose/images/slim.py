"""Makes installed packages smaller by what never runs: `slim.py FOLDER`. It is two fifths of what an image would add.

The most of it are symbols for debuggers in compiled modules. What the loader needs are the segments; everything
behind the last one, section headers included, is for linkers and debuggers. (`strip` of binutils does nearly the
same; slim base images do not have it.) The rest are C sources, source maps and the packages' own tests.
"""

from __future__ import annotations

import shutil
import struct
import sys
from pathlib import Path

ELF_64_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
PROGRAM_HEADERS_AT = 32  # e_phoff
SECTION_HEADERS_AT = 40  # e_shoff
PROGRAM_HEADER_SIZE_AT = 54  # e_phentsize, e_phnum
SECTION_HEADER_COUNT_AT = 60  # e_shnum, e_shstrndx
LOADED = 1  # PT_LOAD

SOURCES = (".c", ".cpp", ".h", ".pyx", ".pxd", ".pxi", ".pyi", ".map")
TESTS = ("tests", "testing")
UNUSED = "swagger-editor"  # beside what /docs needs of the same package


def cut(path: Path) -> None:
    """Cut a shared object behind its last segment. What is not a 64-bit ELF file stays as it is."""
    content = bytearray(path.read_bytes())
    if not content.startswith(ELF_64_LITTLE_ENDIAN):
        return
    (headers_at,) = struct.unpack_from("<Q", content, PROGRAM_HEADERS_AT)
    size, count = struct.unpack_from("<HH", content, PROGRAM_HEADER_SIZE_AT)
    end = headers_at + size * count
    for number in range(count):
        kind, _, offset, _, _, in_file = struct.unpack_from("<IIQQQQ", content, headers_at + size * number)
        if kind == LOADED:
            end = max(end, offset + in_file)
    struct.pack_into("<Q", content, SECTION_HEADERS_AT, 0)
    struct.pack_into("<HH", content, SECTION_HEADER_COUNT_AT, 0, 0)
    path.write_bytes(content[:end])


def main(folder: str) -> None:
    """Slim all packages below `folder`."""
    before = _size(folder)
    for path in list(Path(folder).rglob("*")):
        if path.is_symlink():
            continue
        if path.is_dir() and path.name in TESTS:
            shutil.rmtree(path)
        elif path.is_file() and (path.suffix in SOURCES or path.name.startswith(UNUSED)):
            path.unlink()
        elif path.is_file() and ".so" in path.suffixes:
            cut(path)
    sys.stdout.write(f"{before / 1e6:.0f} MB of packages became {_size(folder) / 1e6:.0f} MB\n")


def _size(folder: str) -> int:
    return sum(path.lstat().st_size for path in Path(folder).rglob("*") if path.is_file())


if __name__ == "__main__":
    main(sys.argv[1])
