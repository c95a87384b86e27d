"""Good files of every kind, which mutations begin with; no more than some kilobytes each."""

from __future__ import annotations

import gzip
import importlib.util
import io
import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import foxnn

RECORDS = Path(__file__).parents[1] / "data"
_LARGEST = 20_000
X = np.linspace(-1.0, 1.0, 12).reshape(6, 2)
Y = np.linspace(0.0, 1.0, 12).reshape(6, 2)

TABLES = [
    b"a,b,kind\n1,2.5,x\n3,4e-1,y\n",
    b"a;b;kind\n1,5;2,5;x\n3,5;4;y\n",
    b"1\t2\n3\t4\n5\t6\n",
    b'"first name","b"\n"1","2"\n\n"3",""\n"4","NA"\n',
    b"a|b\n1|\xc3\xa4\n",
    b"\xef\xbb\xbfa,b\r\n1,2\r\n",
    b"a,a,\n1,2,3\n",
    b"x\n1\n",
    b"a;b\n1 000;$5\n-999;2%\n",
    b"colour,used,n\nred,True,1\ngreen,false,2\nred,true,\n",
    gzip.compress(b"a,b\n1,2\n3,4\n", mtime=0),
    "a,b\n1,2\n".encode("utf-16"),
]


def networks() -> Iterator[foxnn.neural_network]:
    """Yield networks of many kinds: small, and some of them trained."""
    yield foxnn.neural_network([2, 3, 2], seed=1)
    yield foxnn.neural_network([1, 1], "identity", dtype="float64", seed=2)
    yield foxnn.neural_network([2, 4, 3], "relu", "softmax", seed=3)
    nn = foxnn.neural_network([2, 2, 2], [("elu", 0.5), "identity"], loss="huber", seed=4)
    nn.fit(X, Y, 2, 3, "adam", scale="standard", progress=False)
    nn.notes = {"columns": ["a", "b"], "more": {"none": None, "share": 0.5}}
    yield nn
    nn = foxnn.neural_network([2, 2], "tanh", dtype="float64", seed=5)
    nn.settings.set_mode("Nesterov")
    nn.settings.auto_save_name_file = "n\u00e4me.txt"
    nn.fit(X, Y, 1, 6, foxnn.SGD(momentum=0.9, nesterov=True), progress=False)
    yield nn
    for i, name in enumerate(["gelu", "leaky_relu", "sinusoid", "exp"]):
        yield foxnn.neural_network([2, 2, 1], "tanh" if name == "exp" else name, name, seed=i)
    yield foxnn.neural_network([2, 6], "identity", loss=("quantile", [0.1, 0.5, 0.9]), seed=8)
    yield windowed()
    nn = layered()
    nn.fit(X, Y, 1, 6, "adam", scale="standard", progress=False)
    yield nn


def windowed() -> foxnn.neural_network:
    """Return a network of convolutions and pools."""
    items = [
        (5, 4, 2), foxnn.Conv2D(4, 3, padding="same", groups=2), foxnn.MaxPool2D(2),
        foxnn.Residual(foxnn.Conv2D(4, 1, bias=False)), foxnn.UpSample((2, 1)),
        foxnn.AveragePool2D(3, 1, "same"), foxnn.Parallel(foxnn.GlobalAveragePool(), 2), 2,
    ]  # fmt: skip
    return foxnn.neural_network(items, "tanh", seed=7)


def layered() -> foxnn.neural_network:
    """Return a network with a layer of every kind; one is frozen."""
    dense = foxnn.Dense
    inner = foxnn.Residual(dense(3), shortcut=dense(3, "relu"))
    items = [
        2, foxnn.Reshape((2, 1)), dense(2, bias=False, name="first"), foxnn.Dropout(0.25),
        foxnn.Residual(dense(2)), foxnn.LayerNorm(), foxnn.Activation(("elu", 0.5)),
        foxnn.Parallel(dense(1), [dense(2), inner], name="aside"), foxnn.Flatten(), 2,
    ]  # fmt: skip
    nn = foxnn.neural_network(items, "tanh", "identity", seed=6)
    nn[1].trainable = False
    return nn


def checkpoints(folder: Path) -> Iterator[bytes]:
    """Yield checkpoints of trainings of many kinds."""
    schedule = foxnn.schedules.warmup(2, then=foxnn.schedules.step(3, 0.5))
    runs: list[dict[str, Any]] = [
        {},
        {"optimizer": foxnn.AdamW(weight_decay=0.1), "schedule": schedule, "dropout": 0.2},
        {"validation": 0.3, "early_stopping": foxnn.EarlyStopping(patience=2), "l2": 0.1},
        {"optimizer": foxnn.RMSprop(), "clip_norm": 1.0, "scale": "minmax"},
        {"shuffle": False, "dropout": [0.1], "schedule": foxnn.schedules.cosine(9)},
    ]
    for options in runs:
        nn = foxnn.neural_network([2, 3, 2], "tanh", "identity", seed=1)
        path = folder / "run.safetensors"
        nn.fit(X, Y, 3, 4, checkpoint=path, progress=False, **options)
        yield path.read_bytes()
    nn = layered()
    rule = {"validation": 0.3, "early_stopping": 2}
    nn.fit(X, Y, 3, 4, "adam", checkpoint=path, progress=False, **rule)
    yield path.read_bytes()
    nn = foxnn.neural_network([2, 3, 2], "tanh", "softmax", seed=1)
    labels = [0, 1, 1, 0, 1, 0]
    nn.fit(X, labels, 2, 4, checkpoint=path, class_weight={0: 2.0, 1: 1.0}, progress=False)
    yield path.read_bytes()


def populations(folder: Path) -> Iterator[bytes]:
    """Yield populations, and checkpoints of their trainings."""
    path = folder / "pop.safetensors"
    foxnn.population(2, [2, 2], "tanh", seed=1).save(path)
    yield path.read_bytes()
    foxnn.population([layered(), layered()]).save(path)
    yield path.read_bytes()
    each: list[dict[str, Any]] = [
        {"learning_rate": [0.1, 0.01], "scale": "standard"},
        {"early_stopping": [1, None], "validation": 0.3, "dropout": [0.1, [0.2]]},
        {"optimizer": [foxnn.SGD(momentum=m) for m in (0.5, 0.9)], "schedule": None},
    ]
    for options in each:
        pop = foxnn.population(2, [2, 3, 2], "tanh", "identity", seed=1)
        pop.fit(X, Y, 3, 4, checkpoint=path, progress=False, **options)
        yield path.read_bytes()


def quantized(folder: Path) -> Iterator[bytes]:
    """Yield quantized networks: dense ones, with tables, scalers, windows, and a rest in float."""
    path = folder / "small.safetensors"
    x = np.linspace(-1, 1, 96).reshape(6, 4, 4, 1)
    nets = [
        foxnn.neural_network([16, 3, 2], "tanh", "identity", seed=1),
        foxnn.neural_network(
            [
                (4, 4, 1), foxnn.Conv2D(2, 3, padding="same"), foxnn.MaxPool2D(2),
                foxnn.LayerNorm(), 2,
            ],
            "relu", "softmax", seed=1,
        ),
    ]  # fmt: skip
    nets[0].input_scaler = foxnn.Scaler().fit(x.reshape(6, -1))
    for nn in nets:
        nn.quantize(x.reshape(6, -1)).save(path)
        yield path.read_bytes()


def objects() -> list[Any]:
    """Return what users may pickle, except networks."""
    history = foxnn.History()
    history.add(loss=0.5, seconds=0.1)
    data = foxnn.train_data([[1.0, 2.0]], [[0.5]])
    return [
        foxnn.Scaler().fit(X),
        foxnn.Scaler("minmax"),
        foxnn.neural_network([1, 1], seed=1).settings,
        history,
        data,
        foxnn.train_data(),
        foxnn.layer(2, 3, ("elu", 0.5), seed=1),
        foxnn.EarlyStopping(patience=3),
        foxnn.SGD(momentum=0.9),
        foxnn.AdamW(weight_decay=0.1),
        foxnn.schedules.warmup(3, then=foxnn.schedules.exponential(0.5)),
        foxnn.neural_network([2, 1], seed=1).trace([1.0, 2.0], [0.5]),
        foxnn.DivergedError("diverged", 1, 0.5),
    ]


def array(numbers: bytes, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Make an array again: what a broken state does to NumPy's own is not looked at."""
    if kind not in ("f4", "f8", "u1"):
        raise ValueError(kind)
    return np.frombuffer(numbers, kind).reshape(shape)


class _Pickler(pickle.Pickler):
    def reducer_override(self, thing: object) -> Any:
        if not isinstance(thing, np.ndarray):
            return NotImplemented
        return array, (thing.tobytes(), thing.dtype.str[1:], thing.shape)


def _pickled(thing: object) -> bytes:
    file = io.BytesIO()
    _Pickler(file, 3).dump(thing)  # later ones have frames, which lead Python to take gigabytes
    return file.getvalue()


def _saved(folder: Path, ending: str) -> Iterator[bytes]:
    for nn in networks():
        path = folder / f"net{ending}"
        try:
            nn.save(path)
        except ValueError:  # not all formats have all activations
            continue
        yield path.read_bytes()


def _of_another(data: bytes) -> bytes:
    """Return an ONNX file without what foxnn writes beside the graph."""
    import onnx

    model = onnx.ModelProto.FromString(data)
    model.ClearField("producer_name")
    model.ClearField("metadata_props")
    return bytes(model.SerializeToString())


def _recorded(folder: str, pattern: str) -> Iterator[bytes]:
    for path in sorted((RECORDS / folder).glob(pattern)):
        if path.stat().st_size <= _LARGEST:
            yield path.read_bytes()


def findings(reader: str) -> list[Path]:
    """Return the files that have once broken a promise to a reader."""
    return sorted((RECORDS / "hostile").glob(f"{reader}-*"))


def texts() -> list[bytes]:
    """Return tables of numbers for the engine alone; the first two bytes are the shape."""
    numbers = [b"1.00000000e+00 -2.5e-3\t7\n", b"1e-400 -0 4.9e-324 1.7976931348623157e308\n",
               b"0." + b"0" * 330 + b"1 12345678901234567890123\n"]  # fmt: skip
    return [bytes([rows, columns]) + text for text in numbers
            for rows, columns in ((1, 1), (2, 5), (3, 0))]  # fmt: skip


def _state_dicts() -> Iterator[bytes]:
    """Yield the weights of dense layers, as PyTorch has them."""
    from safetensors.numpy import save

    for names, kind in ((("0", "2"), "f4"), (("fc1", "fc2", "out"), "f8"), (("",), "f2")):
        arrays, inputs = {}, 3
        for i, name in enumerate(names):
            prefix = f"{name}." if name else ""
            arrays[f"{prefix}weight"] = np.linspace(-1, 1, (i + 2) * inputs).reshape(i + 2, inputs)
            arrays[f"{prefix}bias"] = np.linspace(-1, 1, i + 2)
            inputs = i + 2
        yield save({name: array.astype(kind) for name, array in arrays.items()}, {"format": "pt"})


def seeds(reader: str) -> list[bytes]:
    """Return the files for a reader."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if reader == "network":
            foxnn.neural_network([2, 3], seed=1).save(folder / "scale.txt", only_scale=True)
            alone = (folder / "scale.txt").read_bytes()
            return [*_saved(folder, ".txt"), alone, *_recorded("foxnn", "net_*.txt")]
        if reader == "samples":
            foxnn.train_data(X, Y).save(folder / "data.txt")
            foxnn.train_data(X.astype(np.float32), Y[:, :1]).save(folder / "more.txt")
            own = [path.read_bytes() for path in sorted(folder.glob("*.txt"))]
            return [*own, *_recorded("foxnn", "data_*.txt")]
        if reader == "safetensors":
            return [*_saved(folder, ".safetensors"), *_recorded("safetensors", "*.safetensors")]
        if reader == "weights":
            return list(_state_dicts())
        if reader == "checkpoint":
            return list(checkpoints(folder))
        if reader == "population":
            return list(populations(folder))
        if reader == "quantized":
            return list(quantized(folder))
        if reader == "onnx":
            if importlib.util.find_spec("onnx") is None:
                return []
            saved = list(_saved(folder, ".onnx"))
            others = [_of_another(data) for data in saved[-2:]]
            exported = [*_recorded("onnx", "*.onnx"), *_recorded("onnx_layers", "*.onnx")]
            return [*saved, *others, *exported]
        if reader == "pickle":
            return [_pickled(thing) for thing in (*networks(), *objects())]
        if reader == "state":
            return [bytes([i, 1, 2, 3]) for i in range(len(list(networks())) + len(objects()))]
    return list(TABLES)
