"""Writes a network as a page: checks the arguments, describes the network, puts the parts together.

The page computes the network itself. Its scripts are in the folder `web` of the package.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.formats import paths, recorded, whole_files
from foxnn.formats.html import inputs, outputs
from foxnn.formats.html.layers import OPERATIONS, Described
from foxnn.formats.rounding import warn_if_coarse
from foxnn.layers.kinds import check_held, checked_specs, leaves
from foxnn.layers.specs import spec_of
from foxnn.layers.steps import least_steps
from foxnn.model.answers import AnsweringNetwork
from foxnn.support import web

_WHAT = "a page"

# The scripts, in the order in which each needs the earlier ones.
SCRIPTS = (
    *("basics.js", "layers.js", "recurrent.js", "network.js"),
    *("cells.js", "lines.js", "inspector.js", "ink.js", "pictures.js", "volumes.js"),
    *("controls.js", "outputs.js", "views.js", "page.js"),
)

# Samples in the page: enough to choose from, and together no more than this many bytes, so that a
# page stays below 300 kB beside its weights. At least one is there.
_MOST_SAMPLES, _MOST_BYTES = 60, 120_000

# The answers to some of them, by which a page tests itself, have so many bytes more.
_MOST_ANSWERS = 30_000

# How near the page must come to `predict`, of 1 or of a larger output.
_WITHIN = 1e-5

# The weights in base64 are one text of the page, and the longest that Chromium has is of 2**29 - 24
# characters: four for three bytes, and four bytes for a number.
_MOST_NUMBERS = (2**29 - 24) // 4 * 3 // 4

# Bytes that are written as base64 at once: a multiple of three, so that pieces can be joined.
_PIECE = 3 << 18


def export(
    network: AnsweringNetwork, name_file: object, samples: Any, picture: object, title: str | None
) -> None:
    """Write the page; see `neural_network.export_html`."""
    path = _path(name_file)
    shown = _title(path) if title is None else _given_title(title)
    check_held(network._layers(), OPERATIONS, _WHAT, of_any_length=True)
    given, captions = _samples(network, samples)
    if (count := _count(network)) > _MOST_NUMBERS:
        raise ValueError(
            f"{_WHAT} cannot hold a network of {count:,} numbers: browsers open one of at most "
            f"{_MOST_NUMBERS:,}, whose text is as long as theirs can be; .safetensors holds it"
        )
    warn_if_coarse(network, path)
    twin = recorded.twin_of(network, recorded.snapshot(network))
    other = recorded.in_other_precision(twin)  # refuses numbers beyond float32
    layers = Described(twin if twin.dtype == "float32" else other)
    description = {
        "version": _core.__version__,
        "input": inputs.described(twin, given, picture),
        "output": outputs.described(twin),
        "layers": layers.layers,
        "grows": _grows(twin),
        "samples": None if given is None else _packed(given),
        "captions": captions,
        "test": _test(twin, other, given),
    }
    parts = {
        "title": [escape(shown)],
        "about": [escape(_about(twin))],
        "style": [web.text_of("page.css")],
        "description": [web.in_script(json.dumps(description, separators=(",", ":")))],
        "weights": _in_base64(layers.arrays()),
        "script": [_script(layers.functions())],
    }
    whole_files.check_place(path)
    with whole_files.replacing(path) as file:
        for piece in _filled(web.text_of("page.html"), parts):
            file.write(piece.encode("utf-8"))


def _path(name_file: object) -> str:
    path = paths.path_of(name_file)
    if not path.lower().endswith((".html", ".htm")):
        raise ValueError(f"name_file must end in .html, got {checks.shown(path)}")
    return path


def _title(path: str) -> str:
    """Return the name of the file without its ending."""
    stem = os.path.splitext(os.path.basename(path))[0]
    return stem.encode("utf-8", "replace").decode("utf-8")


def _given_title(title: object) -> str:
    """Return a title that UTF-8 can hold."""
    found = checks.text(title, "title")
    if found.encode("utf-8", "replace") != found.encode("utf-8", "surrogatepass"):
        raise ValueError(f"title must be a text without surrogates, got {checks.shown(found)}")
    return found


def _about(network: AnsweringNetwork) -> str:
    """Return the line below the title."""
    return f"A neural network of {_count(network):,} numbers, made with foxnn {_core.__version__}."


def _count(network: AnsweringNetwork) -> int:
    """Return how many numbers the layers have."""
    return sum(int(np.prod(shape)) for leaf in leaves(network._layers())
               for shape in leaf["arrays"].values())  # fmt: skip


def _samples(network: AnsweringNetwork, samples: Any) -> tuple[list[Array] | None, list[str]]:
    """Return the samples that the page holds, in the shape of the inputs, and what each is."""
    if samples is None:
        return None, []
    y = None
    if isinstance(samples, tuple) and len(samples) == 2:
        x, y = samples
        names = "samples[0]", "samples[1]"
    else:
        x, names = samples, ("samples", "")
    reader = network._reader(x, names[0], None, "lengths", single=True)
    if reader is None:
        network._check_names(x, names[0])
        rows = network._rows(x, names[0], single=True)
        count = len(rows)
    else:
        count = len(reader.given.lengths)
    if count == 0:
        raise ValueError(f"{names[0]} must hold at least one sample, got none")
    wanted = None if y is None else network._samples(x, y, *names)[1]
    if reader is None:
        which = _chosen(count, 4 * network._inputs())
        rows = checks.dense(checks.taken(rows, np.array(which)))
        found = [row.reshape(network._input_shape()) for row in rows]
    else:
        which = _chosen(count, 4 * reader.given.values[0].size)
        found = [reader.given.values[i, : reader.given.lengths[i]] for i in which]
    return found, [] if wanted is None else [outputs.caption(network, wanted[i]) for i in which]


def _chosen(count: int, size: int) -> list[int]:
    """Return which of so many samples the page holds, spread evenly over all of them."""
    most = min(count, _MOST_SAMPLES, _most(size))
    return sorted({round(place) for place in np.linspace(0, count - 1, most)})


def _most(size: int) -> int:
    """Return how many samples of so many bytes there may be."""
    return max(1, _MOST_BYTES // size)


def _grows(network: AnsweringNetwork) -> bool:
    """Return whether the network answers the first steps of a sequence, too, however few."""
    parts, shape = network._layers(), (None, *network._input_shape()[1:])
    specs = [spec_of(part) for part in parts]
    try:
        found = checked_specs(specs, shape, "layers")
        arrays = [dict(leaf["arrays"]) for leaf in leaves(parts)]
        return found.arrays == arrays and least_steps(specs, shape) == 1
    except (ValueError, TypeError):
        return False


def _test(
    network: AnsweringNetwork, other: AnsweringNetwork, given: list[Array] | None
) -> dict[str, Any]:
    """Return samples and answers that the page tests itself with.

    Those of the user are in the page already: they are told by their numbers.
    """
    asked = list(recorded.drawn(network)) if given is None else given
    shape, most = network._input_shape(), _MOST_BYTES if given is None else _MOST_ANSWERS
    which: list[int] = []
    samples: list[Any] = []
    answers: list[Any] = []
    within = _WITHIN
    for i, sample in enumerate(asked[: recorded.COUNT]):
        numbers = np.asarray(sample, np.float32).reshape([-1 if n is None else n for n in shape])
        answer = network.predict(numbers[None])
        most -= 4 * (answer.size + (numbers.size if given is None else 0))
        if samples and most < 0:
            break
        if np.isfinite(answer).all():
            which.append(i)
            samples.append(numbers)
            answers.append(answer[0])
            within = max(within, recorded.rounding(answer, other.predict(numbers[None])))
    if not samples:
        raise ValueError("the network must have finite outputs for some of the samples")
    recorded_samples = _packed(samples) if given is None else which
    return {"samples": recorded_samples, "answers": _packed(answers), "within": within}


def _packed(arrays: Sequence[Array]) -> dict[str, Any]:
    """Return arrays for JSON: as bytes where these, perhaps divided by 255, are the numbers."""
    numbers = np.concatenate([np.asarray(array, "<f4").reshape(-1) for array in arrays])
    found: dict[str, Any] = {"shapes": [list(array.shape) for array in arrays]}
    for divisor in (1, 255):
        times = np.rint(numbers.astype(np.float64) * divisor)
        if ((times >= 0) & (times <= 255)).all():
            own = times.astype(np.uint8)
            if np.array_equal((own / np.float32(divisor)).astype("<f4"), numbers):
                data = base64.b64encode(own.tobytes()).decode("ascii")
                return found | {"divisor": divisor, "data": data}
    return found | {"data": base64.b64encode(numbers.tobytes()).decode("ascii")}


def _in_base64(arrays: Iterable[Array]) -> Iterator[str]:
    """Yield the bytes of arrays, one behind another, as base64."""
    rest = b""
    for array in arrays:
        view = memoryview(array.tobytes())
        for first in range(0, len(view), _PIECE):
            rest += view[first : first + _PIECE]
            whole = len(rest) - len(rest) % 3
            yield base64.b64encode(rest[:whole]).decode("ascii")
            rest = rest[whole:]
    yield base64.b64encode(rest).decode("ascii")


def _script(functions: str) -> str:
    """Return all scripts as one; each says "use strict" where it stands alone."""
    texts = [web.text_of(name) for name in SCRIPTS]
    return "\n".join([*texts[:-1], functions, texts[-1]])


def _filled(skeleton: str, parts: dict[str, Iterable[str]]) -> Iterator[str]:
    """Yield a text with its places, {{name}}, filled."""
    for i, text in enumerate(skeleton.split("{{")):
        name, sign, rest = text.partition("}}")
        if i == 0 or not sign:
            yield text
        else:
            yield from parts[name]
            yield rest
