"""What every reader of foxnn promises for any bytes: checked for one file at a time.

A reader returns what can be used, saved and read again to the same bytes, or raises an error that
it documents and that names the file. Anything else is a `Broken`.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import random
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import foxnn
from foxnn.cli import info, tables
from foxnn.cli.cells import InputCells
from foxnn.formats.population_file import is_population
from foxnn.layers.steps import varies, with_steps
from foxnn.model import base
from foxnn.model.state import state_of
from foxnn.training import checkpoint
from fuzz import mutations, seeds

# Larger networks are made, but not asked: fuzzing is about reading.
_MOST_PARAMETERS = 200_000
_REFUSALS = (ValueError, TypeError)


class Broken(Exception):
    """A promise is broken."""


@contextmanager
def _refusals(path: Path | None, *kinds: type[BaseException]) -> Iterator[None]:
    """Let pass the errors that are documented, if they name the file."""
    try:
        yield
    except kinds as error:
        if isinstance(error, UnicodeError):
            raise Broken("a codec's error got out") from error
        if path is not None and path.name not in str(error):
            raise Broken(f"the error does not name the file: {error}") from error
        if any(word in str(error) for word in ("incompatible function", "std::", "basic_string")):
            raise Broken(f"the error is one of C++: {error}") from error
        if len(str(error)) > 2000:
            raise Broken(f"the error has {len(str(error))} characters") from error


def _same(one: Any, other: Any, what: str) -> None:
    if one != other:
        raise Broken(f"{what}: {one!r:.300} and then {other!r:.300}")


def check_network(nn: foxnn.neural_network, folder: Path) -> None:
    """Use a network that was read: predict, save, copy, describe."""
    repr(nn)
    list(info._lines(nn))
    numbers = sum(array.size for part in foxnn._core.parameters(nn) for array in part.values())
    if max(numbers, *nn.sizes) > _MOST_PARAMETERS:
        return
    shape = (nn.sizes[0],)
    if varies(nn._input_shape()):
        shape = with_steps(nn._input_shape(), max(3, nn._least))
    if math.prod(shape) > _MOST_PARAMETERS:
        return
    size = 3 * math.prod(shape)
    x = np.linspace(-2.0, 2.0, size).reshape(3, *shape)
    if limit := nn._index_limit():
        x = np.arange(1.0 * size).reshape(3, *shape) % limit
    try:
        expected = nn.predict(x).tobytes()
    except ValueError as error:  # a scaler may have any factor
        if "input_scaler" not in str(error):
            raise Broken("it does not predict") from error
        return
    except OverflowError:  # weights may be as large as their type allows
        return
    saved = []
    for name in ("one.safetensors", "two.safetensors"):
        nn.save(folder / name)
        saved.append((folder / name).read_bytes())
        nn = foxnn.neural_network(folder / name)
    _same(saved[0], saved[1], "saved twice")
    copied = pickle.loads(pickle.dumps(nn))
    _same(repr(state_of(copied)), repr(state_of(nn)), "a copy")
    _same(copied.predict(x).tobytes(), expected, "the outputs of a copy")
    try:
        nn.save(folder / "one.txt")
    except ValueError as error:  # the format cannot hold it
        if isinstance(error, UnicodeError):
            raise Broken("a codec's error got out") from error
    else:
        # Scalers are worked into the weights in float64, beside which others stay float32.
        if nn.input_scaler is not None or nn.output_scaler is not None:
            nn = foxnn.neural_network(folder / "one.txt", dtype="float64")
            nn.save(folder / "one.txt")
        foxnn.neural_network(folder / "one.txt", dtype=nn.dtype).save(folder / "two.txt")
        _same((folder / "one.txt").read_bytes(), (folder / "two.txt").read_bytes(), "text twice")


def _network(data: bytes, folder: Path) -> None:
    path = folder / "hostile.txt"
    path.write_bytes(data)
    for only_scale in (False, True):
        with _refusals(path, ValueError):
            check_network(foxnn.neural_network(path, only_scale, seed=1), folder)


def _samples(data: bytes, folder: Path) -> None:
    path = folder / "hostile.txt"
    path.write_bytes(data)
    with _refusals(path, foxnn.FileFormatError):
        found = foxnn.train_data(path)
        found.save(folder / "one.txt")
        foxnn.train_data(folder / "one.txt").save(folder / "two.txt")
        _same((folder / "one.txt").read_bytes(), (folder / "two.txt").read_bytes(), "saved twice")
        found.get(len(found) - 1)


def _safetensors(data: bytes, folder: Path) -> None:
    path = folder / "hostile.safetensors"
    path.write_bytes(data)
    with _refusals(path, foxnn.FileFormatError):
        check_network(foxnn.neural_network(path), folder)


def _weights(data: bytes, folder: Path) -> None:
    path = folder / "hostile.safetensors"
    path.write_bytes(data)
    with _refusals(path, foxnn.FileFormatError):
        check_network(foxnn.neural_network(path, "relu", "identity"), folder)


def _checkpoint(data: bytes, folder: Path) -> None:
    path = folder / "hostile.safetensors"
    path.write_bytes(data)
    with _refusals(path, foxnn.FileFormatError):
        checkpoint.read(str(path))
    sizes, loss = [2, 2], "mse"
    with _refusals(path, foxnn.FileFormatError):
        nn = foxnn.neural_network(path)
        sizes, loss = nn.sizes, nn.loss
    if max(sizes) > 1000:
        return
    x, y = np.linspace(0, 1, 6 * sizes[0]).reshape(6, -1), np.zeros((6, sizes[-1]))
    y[:, 0] = loss == "cross_entropy"
    # What a training refuses it may call by the name of the argument alone.
    with _refusals(None, *_REFUSALS, foxnn.DivergedError), np.errstate(all="ignore"):
        foxnn.resume(path, x, y, callbacks=lambda *_: True, progress=False)


def _quantized(data: bytes, folder: Path) -> None:
    path = folder / "hostile.safetensors"
    path.write_bytes(data)
    with _refusals(path, foxnn.FileFormatError):
        small = foxnn.quantized_network(path)
        repr(small)
        saved = []
        for name in ("one.safetensors", "two.safetensors"):
            small.save(folder / name)
            saved.append((folder / name).read_bytes())
            small = foxnn.quantized_network(folder / name)
        _same(saved[0], saved[1], "saved twice")
        if small._body.inputs <= 1000:
            with np.errstate(all="ignore"):
                small.predict(np.linspace(0, 1, 2 * small._body.inputs).reshape(2, -1))


def _population(data: bytes, folder: Path) -> None:
    path = folder / "hostile.safetensors"
    path.write_bytes(data)
    with _refusals(path, foxnn.FileFormatError):
        pop = foxnn.population(path)
        repr(pop)
        check_network(pop[-1], folder)
        saved = []
        for name in ("one.safetensors", "two.safetensors"):
            pop.save(folder / name)
            saved.append((folder / name).read_bytes())
            pop = foxnn.population(folder / name)
        _same(saved[0], saved[1], "saved twice")
    if not is_population(str(path)):
        return
    # What a training refuses it may call by the name of the argument alone.
    with (
        _refusals(None, *_REFUSALS, foxnn.DivergedError),
        np.errstate(all="ignore"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", foxnn.DataWarning)
        foxnn.resume(path, seeds.X, seeds.Y, callbacks=lambda *_: True, progress=False)


def _onnx(data: bytes, folder: Path) -> None:
    path = folder / "hostile.onnx"
    path.write_bytes(data)
    with _refusals(path, foxnn.FileFormatError):
        nn = foxnn.neural_network(path, seed=1)
        check_network(nn, folder)
        with _refusals(None, ValueError):
            nn.save(folder / "again.onnx")
            again = foxnn.neural_network(folder / "again.onnx", seed=1)
            _same(again.sizes, nn.sizes, "written as ONNX")


def _remade(thing: Any) -> Any:
    """Return class, arguments or attributes of what pickles make again, as plain values."""
    if isinstance(thing, foxnn.neural_network):
        return [type(thing), state_of(thing), {}]
    parts = thing.__reduce_ex__(2)
    made = list(parts[1]) if parts[0].__name__ != "__newobj__" else [thing.__class__]
    return [parts[0], made, parts[2] if len(parts) > 2 else None]


def _as_lists(value: Any) -> Any:
    """Return plain values in which every tuple is a list, which can be changed."""
    if isinstance(value, dict):
        return {key: _as_lists(part) for key, part in value.items()}
    return [_as_lists(part) for part in value] if isinstance(value, list | tuple) else value


_THINGS: list[Any] = []


def _state(data: bytes, folder: Path) -> None:
    """Make a state of the bytes, which choose an object and the changes of its state."""
    if not _THINGS:
        _THINGS.extend([*seeds.networks(), *seeds.objects()])
    thing = _THINGS[data[0] % len(_THINGS) if data else 0]
    draw = random.Random(data[1:])
    kind, given, own = _remade(thing)
    with _refusals(None, *_REFUSALS):
        if isinstance(thing, foxnn.neural_network):
            nn = base._unpickled(kind, mutations.tree(_as_lists(given), draw))
            if draw.random() < 0.1:
                nn.__setstate__(mutations.tree({"a": 1, "_notes": {}}, draw))
            check_network(nn, folder)
            return
        if own is None:  # made by a function
            _use(kind(*mutations.tree(_as_lists(given), draw)))
            return
        made = given[0].__new__(given[0])
        made.__setstate__(mutations.tree(_as_lists(own), draw))
        _use(made)


def _use(thing: Any) -> None:
    if isinstance(thing, BaseException):  # they hold whatever they are given
        return
    repr(thing)
    if isinstance(thing, foxnn.Scaler):
        thing.transform(seeds.X)
    elif isinstance(thing, foxnn.train_data) and len(thing):
        thing.get(len(thing) - 1)
        foxnn.neural_network([thing._arrays()[0].shape[1], 1], seed=1).get_out(thing.get(0).input)
    elif isinstance(thing, foxnn.schedules.Schedule):
        thing(1, 0.1)
    elif isinstance(thing, foxnn.layer):
        _ = thing.weights, thing.bias
    elif isinstance(thing, foxnn.History):
        str(thing)


# What foxnn's own pickles name. Others may run anything, which is Python's concern, not foxnn's.
_NAMED = {
    "builtins": {"getattr", "object"},
    "copyreg": {"__newobj__", "_reconstructor"},
    "fuzz.seeds": {"array"},
}


def _is_modest(data: bytes) -> bool:
    """Return whether Python and NumPy read a pickle without great memory for its own numbers."""
    try:
        for operation, given, _ in pickletools.genops(data):
            if operation.name in ("FRAME", "BYTEARRAY8", "NEXT_BUFFER", "READONLY_BUFFER"):
                return False
            if isinstance(given, int) and 10**5 < abs(given) < 2**48:
                return False
    except Exception:
        return False
    return True


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        ours = module.startswith("foxnn") and not module.startswith("foxnn._core")
        found = super().find_class(module, name) if ours else None
        if found is not None and getattr(found, "__module__", "").startswith("foxnn"):
            return found
        if name in _NAMED.get(module, ()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name}")


def _pickle(data: bytes, folder: Path) -> None:
    """Read a pickle: it may raise what it likes, but what comes out can be used."""
    if not _is_modest(data):
        return
    try:
        thing = _Unpickler(io.BytesIO(data)).load()
    except Exception:
        return
    with _refusals(None, *_REFUSALS):
        if type(thing) is foxnn.neural_network and "_settings" in vars(thing):
            check_network(thing, folder)
        elif type(thing).__module__.startswith("foxnn") and not isinstance(thing, type):
            try:
                _use(thing)
            except (AttributeError, IndexError):  # made without a state
                return


_OTHER_WAY = {"thousands": "space", "units": ("$", "%"), "missing": ("-999", "n")}
_FORMATS = [tables.TableFormat(), tables.TableFormat(";", True, ","),
            tables.TableFormat(",", False, ".", "latin-1"),
            tables.TableFormat(None, None, ".", "utf-16"),
            tables.TableFormat(**_OTHER_WAY)]  # type: ignore[arg-type] # fmt: skip


def _table(data: bytes, folder: Path) -> None:
    path = folder / "hostile.csv"
    path.write_bytes(data)
    for form in _FORMATS:
        for reads_numbers in (True, False):
            with _refusals(path, tables.TableError), tables.opened(str(path), form) as found:
                columns = found.named_columns() if found.has_header else [0]
                if reads_numbers:
                    samples = found.read(columns, drop_missing=True)
                    if not np.isfinite(samples.numbers).all():
                        raise Broken("a table holds what is no finite number")
                else:
                    found.read([], columns)
            with _refusals(path, tables.TableError), tables.opened(str(path), form) as found:
                whole = [InputCells(i, not reads_numbers) for i in range(len(found.columns))]
                found.fill(whole, drop_missing=True)
                for column in whole:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore", UserWarning)  # categories that are twins
                        column.decide()
                    if not np.isfinite(column.values()).all():
                        raise Broken("an input is no finite number")


READERS: dict[str, Callable[[bytes, Path], None]] = {
    "network": _network,
    "samples": _samples,
    "safetensors": _safetensors,
    "weights": _weights,
    "checkpoint": _checkpoint,
    "population": _population,
    "quantized": _quantized,
    "onnx": _onnx,
    "state": _state,
    "pickle": _pickle,
    "table": _table,
}


def check(reader: str, data: bytes, folder: Path) -> None:
    """Read the bytes; raise what is not promised. Files are written in a folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        READERS[reader](data, folder)


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Return a folder for files that are soon gone, in memory where there is such a place."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
