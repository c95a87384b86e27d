"""How the ONNX files here were made: `python record.py pytorch`, for example.

The others are `pytorch_recurrent`, `sklearn`, `keras`, `keras_recurrent` and `keras_layers`. Each
library exports small networks with its own exporter, and says what it answers itself; that stands
in `pytorch.json`, for example, by the name of the file. Made with PyTorch 2.13 (onnxscript 0.7),
with scikit-learn 1.9 (skl2onnx 1.20), and with Keras 3.15 on TensorFlow 2.21 (tf2onnx 1.17), on
Linux.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
RECORDS: dict[str, Any] = {}


def without_traces(path: Path) -> None:
    """Leave out where in PyTorch each node came from: paths of one machine."""
    import onnx

    model = onnx.load(path)
    for thing in (model.graph, *model.graph.node, *model.graph.input, *model.graph.output):
        del thing.metadata_props[:]
    onnx.save(model, path)


def recorded(name: str, inputs: np.ndarray, outputs: Any) -> None:
    RECORDS[name] = {"inputs": inputs.tolist(), "outputs": np.asarray(outputs).tolist()}


def pytorch() -> None:
    import torch
    from torch import nn

    torch.manual_seed(0)

    class Function(nn.Module):
        def __init__(self, function: Callable[[Any], Any]) -> None:
            super().__init__()
            self.function = function

        def forward(self, x: Any) -> Any:
            return self.function(x)

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(6, 5, bias=False), nn.Linear(5, 2)
            self.register_buffer("mean", torch.randn(6))
            self.register_buffer("spread", torch.rand(6) + 0.5)

        def forward(self, x: Any) -> Any:
            x = (x.view(x.size(0), -1) - self.mean) / self.spread
            return torch.sigmoid(self.second(torch.tanh(self.first(x)))) * 3 + 1

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, x: Any) -> Any:
            return x + torch.relu(self.linear(x))

    activations = [
        nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.GELU(), nn.SiLU(), nn.Softplus(), nn.ELU(0.7),
        nn.LeakyReLU(0.2), nn.SELU(), nn.PReLU(), nn.CELU(), Function(torch.sin),
        Function(torch.atan), Function(lambda x: torch.exp(-x * x)),
        Function(lambda x: torch.log1p(torch.exp(x))), Function(lambda x: x * torch.sigmoid(x)),
    ]  # fmt: skip
    layers = [part for last in activations for part in (nn.Linear(4, 4), last)]
    flat = nn.Sequential(
        nn.Flatten(), nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(5, 3), nn.Softmax(dim=1),
    )  # fmt: skip
    flat(torch.randn(50, 1, 2, 3) * 3 + 1)  # for the statistics of the BatchNorm
    square, rows = torch.randn(5, 1, 2, 3), torch.randn(5, 4)
    models = {
        "activations": (nn.Sequential(*layers, nn.Linear(4, 3), nn.Softmax(dim=-1)), rows),
        "flatten": (flat, square),
        "scaled": (Scaled(), square),
        "double": (Scaled().double(), square.double()),
        "poisson": (nn.Sequential(nn.Linear(4, 2), Function(torch.exp)), rows),
        "conv": (nn.Sequential(nn.Conv2d(1, 1, 2), nn.Flatten(), nn.Linear(2, 2)), square),
        "residual": (Residual(), rows),
        "layer_norm": (nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 1)), rows),
        "log_softmax": (nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(dim=1)), rows),
        "relu6": (nn.Sequential(nn.Linear(4, 3), nn.ReLU6(), nn.Linear(3, 1)), rows),
        "mish": (nn.Sequential(nn.Linear(4, 3), nn.Mish(), nn.Linear(3, 1)), rows),
        "gelu_tanh": (nn.Sequential(nn.Linear(4, 3), nn.GELU("tanh"), nn.Linear(3, 1)), rows),
        "hidden_exp": (nn.Sequential(nn.Linear(4, 3), Function(torch.exp), nn.Linear(3, 1)), rows),
        "hidden_softmax": (nn.Sequential(nn.Linear(4, 3), nn.Softmax(1), nn.Linear(3, 1)), rows),
        "two_activations": (nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Tanh()), rows),
    }
    for name, (model, x) in models.items():
        model.eval()
        out = model(x).detach().numpy()
        path = f"pytorch_{name}_script.onnx"
        torch.onnx.export(
            model, x, HERE / path, dynamo=False, input_names=["x"], dynamic_axes={"x": [0]}
        )
        recorded(path, x.numpy(), out)
        path = f"pytorch_{name}_dynamo.onnx"
        torch.onnx.export(
            model, (x,), HERE / path, dynamo=True, external_data=False, verbose=False,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )  # fmt: skip
        without_traces(HERE / path)
        recorded(path, x.numpy(), out)


def pytorch_recurrent() -> None:
    import torch
    from torch import nn

    torch.manual_seed(0)

    class Sequences(nn.Module):
        """A recurrent layer, and a dense one after a part of what it returns."""

        def __init__(self, layer: Any, width: int, taken: Callable[[Any, Any], Any]) -> None:
            super().__init__()
            self.layer, self.dense, self.taken = layer, nn.Linear(width, 2), taken

        def forward(self, x: Any) -> Any:
            return self.dense(self.taken(*self.layer(x)))

    def every(out: Any, state: Any) -> Any:
        return out

    def last(out: Any, state: Any) -> Any:
        return out[:, -1]

    def hidden(out: Any, state: Any) -> Any:
        return state[-1]

    def both(out: Any, state: Any) -> Any:
        return torch.cat([state[-2], state[-1]], dim=1)

    def memory(out: Any, state: Any) -> Any:
        return state[0][-1]

    def first(out: Any, state: Any) -> Any:
        return state[1][-1]

    def layer(kind: Any, **given: Any) -> Any:
        return kind(3, 4, batch_first=True, **given)

    deep, two = {"num_layers": 2}, {"bidirectional": True}
    models = {
        "rnn": Sequences(layer(nn.RNN), 4, every),
        "rnn_relu": Sequences(layer(nn.RNN, nonlinearity="relu"), 4, every),
        "rnn_last": Sequences(layer(nn.RNN, **deep), 4, last),
        "gru": Sequences(layer(nn.GRU, **two), 8, every),
        "gru_hidden": Sequences(layer(nn.GRU, **deep), 4, hidden),
        "gru_both": Sequences(layer(nn.GRU, **two), 8, both),
        "lstm": Sequences(layer(nn.LSTM, bias=False), 4, every),
        "lstm_deep": Sequences(layer(nn.LSTM, **deep, **two), 8, every),
        "lstm_last": Sequences(layer(nn.LSTM), 4, last),
        "lstm_last_both": Sequences(layer(nn.LSTM, **two), 8, last),
        "lstm_hidden": Sequences(layer(nn.LSTM), 4, memory),
        "lstm_memory": Sequences(layer(nn.LSTM), 4, first),
        "steps_first": Sequences(nn.LSTM(3, 4), 4, every),
    }
    x = torch.randn(5, 6, 3)
    lengths = {0: torch.export.Dim("batch"), 1: torch.export.Dim("steps")}
    for name, model in models.items():
        model.eval()
        out = model(x).detach().numpy()
        path = f"pytorch_{name}_script.onnx"
        torch.onnx.export(
            model, x, HERE / path, dynamo=False, input_names=["x"],
            dynamic_axes={"x": {0: "batch", 1: "steps"}},
        )  # fmt: skip
        recorded(path, x.numpy(), out)
        path = f"pytorch_{name}_dynamo.onnx"
        torch.onnx.export(
            model, (x,), HERE / path, dynamo=True, external_data=False, verbose=False,
            dynamic_shapes=(lengths,),
        )  # fmt: skip
        without_traces(HERE / path)
        recorded(path, x.numpy(), out)


def sklearn() -> None:
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    rng = np.random.default_rng(0)
    x = rng.normal(3.0, 20.0, size=(60, 4)).astype(np.float32)
    three, two, several = (
        rng.integers(0, 3, 60),
        rng.integers(0, 2, 60),
        rng.integers(0, 2, (60, 3)),
    )
    numbers, pairs = rng.normal(size=60), rng.normal(size=(60, 2))

    def classifier(activation: str = "relu") -> Any:
        return MLPClassifier((5, 3), activation=activation, max_iter=20, random_state=0)

    def regressor(activation: str = "relu") -> Any:
        return MLPRegressor(
            hidden_layer_sizes=(5, 3), activation=activation, max_iter=20, random_state=0
        )

    models = {
        "classifier": (classifier(), three, np.float32, False),
        "zipmap": (classifier("tanh"), three, np.float32, True),
        "names": (classifier(), np.array(["a", "b", "c"])[three], np.float32, False),
        "two_classes": (classifier("logistic"), two, np.float32, False),
        "several_labels": (classifier(), several, np.float32, False),
        "regressor": (regressor("tanh"), numbers, np.float32, None),
        "identity": (regressor("identity"), numbers, np.float64, None),
        "scaled": (make_pipeline(StandardScaler(), regressor()), numbers, np.float32, None),
        "scaled_double": (make_pipeline(StandardScaler(), classifier()), three, np.float64, False),
        "min_max": (make_pipeline(MinMaxScaler(), classifier()), three, np.float32, False),
        # Its last Reshape puts the two outputs below each other.
        "two_outputs": (regressor(), pairs, np.float32, None),
    }
    for name, (model, y, kind, zipmap) in models.items():
        model.fit(x, y)
        path, given = f"sklearn_{name}.onnx", x[:5].astype(kind)
        options = {} if zipmap is None else {"options": {"zipmap": zipmap}}
        (HERE / path).write_bytes(to_onnx(model, given[:1], **options).SerializeToString())
        answer = model.predict if zipmap is None else model.predict_proba
        recorded(path, given, answer(given))


def keras() -> None:
    import keras
    import tensorflow
    from keras import layers

    keras.utils.set_random_seed(0)
    functions = [
        "relu", "tanh", "sigmoid", "silu", "softplus", "elu", "leaky_relu", "selu", "linear",
        tensorflow.sin, tensorflow.atan, lambda x: tensorflow.exp(-x * x),
    ]  # fmt: skip

    def dense(width: int, activation: Any = None, **given: Any) -> Any:
        return layers.Dense(width, activation, bias_initializer="random_normal", **given)

    models = {
        "activations": [
            *(dense(4, function) for function in functions), dense(3, "softmax", use_bias=False),
        ],
        "gelu": [dense(4, "gelu"), dense(1, "sigmoid")],
        "pictures": [
            layers.Flatten(), layers.Rescaling(1 / 255), dense(5, "relu"),
            layers.BatchNormalization(), layers.Dropout(0.2), dense(3, "softmax"),
        ],
        "prelu": [dense(4), layers.PReLU(alpha_initializer="random_normal"), dense(1)],
        "leaky": [dense(4), layers.LeakyReLU(0.2), dense(3), layers.PReLU("zeros"), dense(1)],
        "softsign": [dense(4, "softsign"), dense(1)],
    }  # fmt: skip
    rng = np.random.default_rng(0)
    for name, parts in models.items():
        shape = (2, 3) if name == "pictures" else (4,)
        x = rng.normal(size=(5, *shape)).astype(np.float32) * (255 if name == "pictures" else 1)
        exported_by_keras(name, keras.Sequential([layers.Input(shape), *parts]), x)


def exported_by_keras(name: str, model: Any, x: np.ndarray) -> None:
    """Write a model in Keras' own way and in that of tf2onnx, and record what it answers."""
    import tensorflow
    import tf2onnx

    out = model(x).numpy()
    model.export(HERE / f"keras_{name}_export.onnx", format="onnx", verbose=False)
    given = [tensorflow.TensorSpec(model.input_shape, x.dtype, name="x")]
    tf2onnx.convert.from_function(
        tensorflow.function(lambda x: model(x), input_signature=given),
        given, opset=15, output_path=HERE / f"keras_{name}_tf2onnx.onnx",
    )  # fmt: skip
    for way in ("export", "tf2onnx"):
        recorded(f"keras_{name}_{way}.onnx", x, out)


def keras_recurrent() -> None:
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    drawn = {"bias_initializer": "random_normal"}
    every = {"return_sequences": True, **drawn}
    models = {
        "lstm": [layers.LSTM(4, **every)],
        "lstm_last": [layers.LSTM(4, **drawn), layers.Dense(2)],
        "gru": [layers.GRU(4, **every)],
        "gru_last": [layers.GRU(4, **drawn)],
        "gru_before": [layers.GRU(4, reset_after=False, **drawn)],
        "rnn": [layers.SimpleRNN(4, **every)],
        "rnn_relu": [layers.SimpleRNN(4, "relu", **drawn)],
        "both": [layers.Bidirectional(layers.LSTM(3, **every))],
        "both_last": [layers.Bidirectional(layers.GRU(3, **drawn)), layers.Dense(1)],
        "reversed": [layers.LSTM(4, go_backwards=True, **drawn)],
        "deep": [layers.LSTM(4, **every), layers.GRU(3, **every), layers.Dense(2, "softmax")],
        "any_length": [layers.LSTM(4, **every), layers.GRU(3, **drawn), layers.Dense(2)],
        "both_deep": [
            layers.Bidirectional(layers.GRU(3, **every)),
            layers.Bidirectional(layers.SimpleRNN(2, **every)), layers.Dense(1, "tanh", **drawn),
        ],
        "no_bias": [layers.GRU(4, use_bias=False), layers.Dense(1)],
        "backwards": [layers.GRU(4, go_backwards=True, **every)],
        "hard": [layers.GRU(4, recurrent_activation="hard_sigmoid", **drawn)],
        "any_both": [layers.Bidirectional(layers.GRU(3, **every)), layers.SimpleRNN(2, **drawn)],
        "both_summed": [
            layers.Bidirectional(layers.GRU(3, **every), merge_mode="sum"), layers.Dense(2),
        ],
        "mean": [layers.GRU(4, **every), layers.GlobalAveragePooling1D(), layers.Dense(2)],
        "largest": [layers.SimpleRNN(4, **every), layers.GlobalMaxPooling1D()],
        "batch_norm": [
            layers.GRU(4, **every),
            layers.BatchNormalization(
                beta_initializer="random_normal", gamma_initializer="random_normal",
                moving_mean_initializer="random_normal",
            ),
            layers.GRU(3, **drawn),
        ],
    }  # fmt: skip
    rng = np.random.default_rng(0)
    for name, parts in models.items():
        x = rng.normal(size=(5, 6, 3)).astype(np.float32)
        shape = (None, 3) if name.startswith("any") else (6, 3)
        exported_by_keras(name, keras.Sequential([layers.Input(shape), *parts]), x)


def keras_layers() -> None:
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    drawn = {"bias_initializer": "random_normal"}

    def norm() -> Any:
        drawn_both = {"gamma_initializer": "random_normal", "beta_initializer": "random_normal"}
        return layers.LayerNormalization(**drawn_both)

    models = {
        "words": [layers.Embedding(9, 4), layers.LSTM(3, **drawn), layers.Dense(2)],
        "float_words": [layers.Embedding(9, 4), layers.GRU(3, **drawn)],
        "layer_norm": [layers.Dense(4, "tanh", **drawn), norm(), layers.Dense(2, **drawn)],
        "steps_norm": [layers.Dense(4, **drawn), norm(), layers.Activation("relu")],
    }
    rng = np.random.default_rng(0)
    numbers, steps = rng.normal(size=(5, 3)), rng.normal(size=(5, 6, 3))
    words = rng.integers(0, 9, (5, 6))
    samples = {
        "words": words, "float_words": words, "layer_norm": numbers, "steps_norm": steps,
    }  # fmt: skip
    for name, parts in models.items():
        x = samples[name].astype(np.int32 if name == "words" else np.float32)
        model = keras.Sequential([layers.Input(x.shape[1:], dtype=str(x.dtype)), *parts])
        exported_by_keras(name, model, x)


if __name__ == "__main__":
    ways = (pytorch, pytorch_recurrent, sklearn, keras, keras_recurrent, keras_layers)
    {way.__name__: way for way in ways}[sys.argv[1]]()
    lines = (f"{json.dumps(name)}: {json.dumps(record)}" for name, record in RECORDS.items())
    text = "{" + ",\n".join(lines) + "}\n"
    (HERE / f"{sys.argv[1]}.json").write_text(text)
