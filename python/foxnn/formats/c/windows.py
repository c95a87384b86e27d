"""C99 source of layers over windows: convolutions, pools and `UpSample`.

Each kind is one function for all its layers. A constant describes the windows of a layer along
three axes; if there are fewer, the first have length 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from foxnn.layers.padding import pads_of

if TYPE_CHECKING:
    from foxnn.formats.c.layered import Value, Writer

Part = Mapping[str, Any]

_AXES = 3

_STRUCT = """\
/* Windows over positions; what is padded is outside, so it is read nowhere. */
typedef struct {
  int in[3], out[3], kernel[3], stride[3], dilation[3], before[3];
} NAME_windows;"""

# Over the positions that a window reads: `u` are the channels there, and (i, j, k) is its place.
READS = """\
        for (i = 0; i < at->kernel[0]; i++) {
          const int a = p * at->stride[0] + i * at->dilation[0] - at->before[0];
          if (a < 0 || a >= at->in[0]) continue;
          for (j = 0; j < at->kernel[1]; j++) {
            const int d = q * at->stride[1] + j * at->dilation[1] - at->before[1];
            if (d < 0 || d >= at->in[1]) continue;
            for (k = 0; k < at->kernel[2]; k++) {
              const int e = r * at->stride[2] + k * at->dilation[2] - at->before[2];
              if (e < 0 || e >= at->in[2]) continue;"""
AT = "((a * at->in[1] + d) * at->in[2] + e)"

_CONV = f"""\
static inline void NAME_conv(const TYPE *w, const TYPE *b, const NAME_windows *at, int channels,
    int filters, int groups, const TYPE *x, TYPE *y) {{
  /* channels: those that a filter reads, of its group */
  const int own = filters / groups;
  int p, q, r, i, j, k, g, c, f;
  for (p = 0; p < at->out[0]; p++)
    for (q = 0; q < at->out[1]; q++)
      for (r = 0; r < at->out[2]; r++, y += filters) {{
        for (f = 0; f < filters; f++) y[f] = b[f];
{READS}
              const TYPE *u = x + {AT} * channels * groups;
              const int place = (i * at->kernel[1] + j) * at->kernel[2] + k;
              const TYPE *v = w + place * channels * filters;
              for (g = 0; g < groups; g++, u += channels) {{
                for (c = 0; c < channels; c++) {{
                  const TYPE *each = v + c * filters + g * own;
                  TYPE *to = y + g * own;
                  if (u[c] == 0) continue; /* as after relu, and at the margins of pictures */
                  for (f = 0; f < own; f++) to[f] += u[c] * each[f];
                }}
              }}
            }}
          }}
        }}
      }}
}}"""

_MAX_POOL = f"""\
static inline void NAME_max_pool(const NAME_windows *at, int channels, const TYPE *x, TYPE *y) {{
  int p, q, r, i, j, k, c;
  for (p = 0; p < at->out[0]; p++)
    for (q = 0; q < at->out[1]; q++)
      for (r = 0; r < at->out[2]; r++, y += channels) {{
        int is_first = 1;
{READS}
              const TYPE *u = x + {AT} * channels;
              for (c = 0; c < channels; c++) y[c] = is_first || u[c] > y[c] ? u[c] : y[c];
              is_first = 0;
            }}
          }}
        }}
      }}
}}"""

_AVERAGE_POOL = f"""\
static inline void NAME_average_pool(const NAME_windows *at, int channels, const TYPE *x,
    TYPE *y) {{
  int p, q, r, i, j, k, c;
  for (p = 0; p < at->out[0]; p++)
    for (q = 0; q < at->out[1]; q++)
      for (r = 0; r < at->out[2]; r++, y += channels)
        for (c = 0; c < channels; c++) {{
          double sum = 0; /* of all positions, where the pool is global */
          int count = 0;
{READS}
              sum += x[{AT} * channels + c];
              count++;
            }}
          }}
        }}
          y[c] = (TYPE)(sum / count);
        }}
}}"""

_REPEAT = """\
static inline void NAME_repeat(int count, int times, int inner, const TYPE *x, TYPE *y) {
  int i, j, k;
  for (i = 0; i < count; i++, x += inner)
    for (j = 0; j < times; j++, y += inner)
      for (k = 0; k < inner; k++) y[k] = x[k];
}"""

_FUNCTIONS = {
    "windows": _STRUCT,
    "conv": _CONV,
    "max_pool": _MAX_POOL,
    "average_pool": _AVERAGE_POOL,
    "repeat": _REPEAT,
}


def function(which: str, name: str, kind: str) -> str:
    """Return a function, or the type of windows, for a prefix of names and a type of numbers."""
    return _FUNCTIONS[which].replace("NAME", name).replace("TYPE", kind)


def _windows(name: str, ending: str, part: Part) -> str:
    """Return the constant that describes the windows of a layer."""
    shape, options = part["input_shape"], dict(part["options"])
    positions = list(shape[:-1])
    if "kernel" not in options:  # a global pool, of one window
        positions = positions if len(positions) <= _AXES else [math.prod(positions)]
        options = {"kernel": positions, "stride": [1] * len(positions), "padding": "valid"}
        outputs = [1] * len(positions)
    else:
        outputs = list(part["output_shape"][:-1])
    axes = len(positions)
    pads = pads_of((*positions, shape[-1]), options)
    dilation = options.get("dilation", [1] * axes)
    rows = (positions, outputs, options["kernel"], options["stride"], dilation)
    numbers = [[1] * (_AXES - axes) + [int(n) for n in row] for row in rows]
    numbers.append([0] * (_AXES - axes) + [before for before, _ in pads])
    shown = ", ".join(f"{{{', '.join(map(str, row))}}}" for row in numbers)
    return f"static const {name}_windows {name}_{ending} = {{{shown}}};"


def _called(to: Writer, part: Part, which: str) -> str:
    """Add a function, and the windows of a layer; return the name of these in C."""
    ending = f"at{part['index']}"
    to.functions.setdefault("windows", function("windows", to.name, to.type))
    to.functions[ending] = _windows(to.name, ending, part)
    to.functions.setdefault(which, function(which, to.name, to.type))
    return f"&{to.name}_{ending}"


def _conv(to: Writer, part: Part, x: Value) -> Value:
    *_, channels, filters = part["arrays"]["weights"]
    weights = to.constant(part, "weights", "w")
    bias = to.constant(part, "bias", "b") if "bias" in part["arrays"] else to.zeros(filters)
    at, groups = _called(to, part, "conv"), int(part["options"]["groups"])
    call = f"{to.name}_conv({weights}, {bias}, {at}, {channels}, {filters}, {groups}"
    size = math.prod(part["output_shape"])
    y = to.add([x], size, lambda y: f"{call}, {x.text}, {y.text});")
    to.activate(part, y)
    return y


def _pool(kind: str) -> Callable[[Writer, Part, Value], Value]:
    def body(to: Writer, part: Part, x: Value) -> Value:
        call = f"{to.name}_{kind}({_called(to, part, kind)}, {part['input_shape'][-1]}"
        size = math.prod(part["output_shape"])
        return to.add([x], size, lambda y: f"{call}, {x.text}, {y.text});")

    return body


def _up_sample(to: Writer, part: Part, x: Value) -> Value:
    shape = list(part["input_shape"])
    factor = [int(length) for length in part["options"]["factor"]]
    for axis, times in enumerate(factor * (len(shape) - 1) if len(factor) == 1 else factor):
        if times > 1:
            x = _repeated(to, shape, axis, times, x)
            shape[axis] *= times
    return x


def _repeated(to: Writer, shape: list[int], axis: int, times: int, x: Value) -> Value:
    to.functions.setdefault("repeat", function("repeat", to.name, to.type))
    count, inner = math.prod(shape[: axis + 1]), math.prod(shape[axis + 1 :])
    call = f"{to.name}_repeat({count}, {times}, {inner}"
    return to.add([x], x.size * times, lambda y: f"{call}, {x.text}, {y.text});")


_POOLS = ("max", "average")

#: What each kind is in C.
WINDOWED: dict[str, Callable[[Writer, Part, Value], Value]] = {
    **{f"conv{axes}d": _conv for axes in (1, 2, 3)},
    **{f"{kind}_pool{axes}d": _pool(f"{kind}_pool") for kind in _POOLS for axes in (1, 2, 3)},
    **{f"global_{kind}_pool": _pool(f"{kind}_pool") for kind in _POOLS},
    "up_sample": _up_sample,
}
