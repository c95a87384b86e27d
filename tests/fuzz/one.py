"""Fuzz one reader with atheris: `python one.py READER [arguments of libFuzzer]`."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))
with atheris.instrument_imports(include=["foxnn"]):
    import foxnn  # noqa: F401
    from foxnn.formats.onnx import read, write  # noqa: F401  (foxnn itself imports them late)
    from fuzz import mutations, readers

_STRUCTURED = 0.5


def main() -> None:
    """Run until libFuzzer's arguments say to stop, or a promise is broken."""
    reader = sys.argv.pop(1)
    change = mutations.MUTATIONS[reader]
    with readers.scratch() as name:
        folder = Path(name)

        def one(data: bytes) -> None:
            readers.check(reader, data, folder)

        def mutate(data: bytes, most: int, seed: int) -> bytes:
            draw = random.Random(seed)
            if draw.random() < _STRUCTURED:
                return change(data, draw)[:most]
            return bytes(atheris.Mutate(data, most))

        atheris.Setup(sys.argv, one, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
