"""How each library predicts: factories of functions that return a network's outputs.

A factory takes foxnn's network, whose weights it copies, the work and the number of threads, and
returns a function from float32 samples to outputs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import foxnn
from peers import is_there, torch_model
from work import Work

Answer = Callable[[Any], Any]

# Each library sums up to a thousand float32 products per neuron, in its own order.
TOLERANCE = 1e-4


def onnx_model(network: foxnn.neural_network) -> bytes:
    """Return a network as an ONNX file, with a product and an activation for each layer."""
    from onnx import TensorProto, helper, numpy_helper

    operators = {"relu": "Relu", "sigmoid": "Sigmoid", "tan_h": "Tanh", "softmax": "Softmax"}
    nodes, weights = [], []
    for i, part in enumerate(network):
        for name, values in ((f"w{i}", part.weights), (f"b{i}", part.bias)):
            weights.append(numpy_helper.from_array(values, name))
        nodes.append(helper.make_node("Gemm", [f"y{i}", f"w{i}", f"b{i}"], [f"z{i}"]))
        kind = operators[part.get_name_activation_function()]
        nodes.append(helper.make_node(kind, [f"z{i}"], [f"y{i + 1}"]))
    first, last = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["samples", size])
        for name, size in (("y0", network.sizes[0]), (f"y{len(network)}", network.sizes[-1]))
    )
    graph = helper.make_graph(nodes, "network", [first], [last], weights)
    # Versions that every recent onnxruntime reads.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def session_answer(model: bytes, threads: int) -> Answer:
    """Return what predicts with a session on an ONNX file of one input."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def quantized_onnx_answer(network: foxnn.neural_network, x: Any, threads: int) -> Answer:
    """Predict with a session on the network as onnxruntime's own tool quantizes it.

    Bytes as foxnn has them: weights int8 with a scale for each neuron, values between layers uint8
    with the ranges that the samples give.
    """
    from onnxruntime import quantization

    class Samples(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = iter([{"y0": x}])

        def get_next(self) -> dict[str, Any] | None:
            return next(self.left, None)

    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder, "whole.onnx"), Path(folder, "small.onnx")
        whole.write_bytes(onnx_model(network))
        quantization.quantize_static(
            whole, small, Samples(), quant_format=quantization.QuantFormat.QOperator,
            per_channel=True, activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )  # fmt: skip
        return session_answer(small.read_bytes(), threads)


def check(name: str, found: Any, expected: Any) -> None:
    """Raise RuntimeError if a library's outputs differ from foxnn's."""
    worst = float(np.abs(found - expected).max())
    if not worst <= TOLERANCE:
        raise RuntimeError(f"the outputs of {name} differ from foxnn's by {worst:.3g}")


def onnxruntime_answer(network: foxnn.neural_network, work: Work, threads: int) -> Answer:
    """Predict with a session on the network's ONNX file."""
    del work
    return session_answer(onnx_model(network), threads)


def torch_answer(network: foxnn.neural_network, work: Work, threads: int) -> Answer:
    """Predict in eager mode, without tracking gradients."""
    import torch

    torch.set_num_threads(threads)
    model = torch_model(work)
    if work.classifies:
        model.append(torch.nn.Softmax(dim=1))
    linear = [layer for layer in model if isinstance(layer, torch.nn.Linear)]
    with torch.no_grad():
        for layer, part in zip(linear, network, strict=True):
            layer.weight.copy_(torch.from_numpy(part.weights.T))
            layer.bias.copy_(torch.from_numpy(part.bias))

    def answer(x: Any) -> Any:
        with torch.inference_mode():
            return model(torch.from_numpy(x)).numpy()

    return answer


def jax_answer(network: foxnn.neural_network, work: Work, threads: int) -> Answer:
    """Predict with a compiled function."""
    import jax
    import jax.numpy as jnp

    del threads  # XLA uses the cores available to the process
    act = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}[work.activation]
    parameters = [(jnp.asarray(part.weights), jnp.asarray(part.bias)) for part in network]

    def forward(x: Any) -> Any:
        for w, b in parameters[:-1]:
            x = act(x @ w + b)
        out = x @ parameters[-1][0] + parameters[-1][1]
        return jax.nn.softmax(out) if work.classifies else act(out)

    compiled = jax.jit(forward)
    return lambda x: np.asarray(compiled(x))


def sklearn_answer(network: foxnn.neural_network, work: Work, threads: int) -> Answer:
    """Predict with predict_proba or predict, of a model whose weights are set, not trained."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    del threads  # NumPy's products use the cores available to the process
    kind = MLPClassifier if work.classifies else MLPRegressor
    activation = {"sigmoid": "logistic"}.get(work.activation, work.activation)
    model = kind(hidden_layer_sizes=work.sizes[1:-1], activation=activation)
    few = np.zeros((work.sizes[-1], work.sizes[0]), np.float32)
    if work.classifies:
        model.partial_fit(few, np.arange(len(few)), classes=np.arange(len(few)))
    else:
        model.partial_fit(few, np.zeros((len(few), work.sizes[-1]), np.float32))
        model.out_activation_ = activation
    model.coefs_ = [part.weights for part in network]
    model.intercepts_ = [part.bias for part in network]
    answer: Answer = model.predict_proba if work.classifies else model.predict
    return answer


ANSWERERS: dict[str, Callable[[foxnn.neural_network, Work, int], Answer]] = {
    "JAX": jax_answer,
    "PyTorch": torch_answer,
    "scikit-learn": sklearn_answer,
    "onnxruntime": onnxruntime_answer,
}


def answering(
    network: foxnn.neural_network, work: Work, x: Any, threads: int
) -> tuple[dict[str, Answer], list[str]]:
    """Return the installed libraries, each checked to give the same outputs as foxnn, and notes.

    Raises
    ------
    RuntimeError
        If a library's outputs differ from foxnn's; the figures would then be meaningless.
    """
    expected = network.predict(x)
    found: dict[str, Answer] = {}
    notes: list[str] = []
    for name, make in ANSWERERS.items():
        if not is_there(name):
            continue
        try:
            answer = make(network, work, threads)
        except ImportError as error:
            notes.append(f"{name} is skipped: {error}")
            continue
        check(name, answer(x), expected)
        found[name] = answer
    return found, notes
