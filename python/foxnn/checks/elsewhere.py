"""What Keras, PyTorch and scikit-learn call what foxnn has, for names that `foxnn` has not."""

from __future__ import annotations

_POOLS = {
    f"{theirs}{axes}d": f"{ours}Pool{axes}D"
    for theirs, ours in {
        "maxpooling": "Max", "maxpool": "Max", "averagepooling": "Average", "avgpool": "Average",
    }.items()
    for axes in (1, 2, 3)
}  # fmt: skip
_FOR_ALL_AXES = {
    f"{theirs}{axes}d": ours
    for theirs, ours in {
        "globalmaxpooling": "GlobalMaxPool", "globalaveragepooling": "GlobalAveragePool",
        "globalavgpool": "GlobalAveragePool", "batchnorm": "BatchNorm", "upsampling": "UpSample",
        "globalmaxpool": "GlobalMaxPool",
    }.items()
    for axes in (1, 2, 3)
}  # fmt: skip
_CONVOLUTIONS = {f"conv{axes}d": f"Conv{axes}D" for axes in (1, 2, 3)}
_OF_SKLEARN = "it is in foxnn.sklearn"
_STREAM = "nn.stream() reads a sequence step by step"
_LENGTHS = "fit and predict take a list of arrays, or a padded array with lengths="
_LIST = 'it is a list: foxnn.neural_network([784, foxnn.Dropout(0.2), 10], activation="relu")'

#: By the name elsewhere, in lower case and without underscores: the name here, or a sentence.
NAMES: dict[str, str] = _POOLS | _FOR_ALL_AXES | _CONVOLUTIONS | {
    "linear": "Dense", "batchnormalization": "BatchNorm", "layernormalization": "LayerNorm",
    "depthwiseconv1d": "it is Conv1D with as many groups as channels",
    "depthwiseconv2d": "it is Conv2D with as many groups as channels",
    "simplernn": "RNN", "masking": _LENGTHS,
    "bidirectional": "it is an argument: foxnn.LSTM(64, bidirectional=True)",
    "timedistributed": "foxnn.Dense works at each step by itself, as other layers without a window",
    **dict.fromkeys(("rnncell", "lstmcell", "grucell", "simplernncell"), _STREAM),
    **dict.fromkeys(("padsequence", "padsequences", "packsequence"), _LENGTHS),
    **dict.fromkeys(("packpaddedsequence", "padpackedsequence"), _LENGTHS),
    "concatenate": "Parallel", "add": "Residual",
    "input": "the first item of the list for foxnn.neural_network may be the shape of a sample",
    "sequential": _LIST, "model": _LIST, "module": _LIST, "network": "neural_network",
    "neuralnetwork": "neural_network",
    "mlpclassifier": _OF_SKLEARN, "mlpregressor": _OF_SKLEARN,
    "standardscaler": "Scaler", "minmaxscaler": 'foxnn.Scaler("minmax") is its name here',
    "modelcheckpoint": "it is fit(checkpoint=...)",
    "load": "foxnn.neural_network(name_file) reads a file",
    "loadmodel": "foxnn.neural_network(name_file) reads a file",
    "dataloader": "fit takes arrays and divides them into batches itself",
}  # fmt: skip


def answer(name: str) -> str:
    """Return ": it is called ..." for a name that another library has, or ""."""
    place = NAMES.get(name.lower().replace("_", ""))
    if place is None:
        return ""
    return f": {place}" if " " in place else f": it is called {place}"
