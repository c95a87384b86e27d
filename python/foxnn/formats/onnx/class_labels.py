"""The labels of the classes in files of scikit-learn's converters, which the probabilities lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from foxnn.formats.onnx.constants import FLOATS, Attributes, NotRead, array_of
from foxnn.formats.onnx.model_file import kind_of

Labels = list[str] | list[int]

# Between the label of a sample and its output.
_PASSING = ("Cast", "Flatten", "Identity", "Reshape", "Squeeze")
# What takes the label at a place: of scikit-learn's classifiers, and of foxnn's.
_PICKING = ("ai.onnx.ml.ArrayFeatureExtractor", "Gather")
_STRINGS = 8  # the type of a tensor of strings


def of_map(given: Attributes) -> Labels:
    """Return the labels of a ZipMap."""
    texts = given.get("classlabels_strings") or []
    if texts:
        return _decoded(texts)
    return [int(number) for number in given.get("classlabels_int64s") or []]


def of_label_output(graph: Any, stored: Mapping[str, Any]) -> Labels:
    """Return the labels among which an output picks the one of the largest probability, or none.

    Without a ZipMap, a classifier has such an output beside the probabilities.
    """
    makers = {name: node for node in graph.node for name in node.output}
    for output in graph.output:
        if output.type.tensor_type.elem_type in FLOATS:
            continue
        node = makers.get(output.name)
        for _ in graph.node:  # at most: names may form a ring
            if node is None or kind_of(node) not in _PASSING or not node.input:
                break
            node = makers.get(node.input[0])
        if node is None or kind_of(node) not in _PICKING:
            continue
        if len(node.input) == 2 and _is_largest(makers.get(node.input[1])):
            return _values(stored.get(node.input[0]))
    return []


def _is_largest(node: Any) -> bool:
    return node is not None and kind_of(node) == "ArgMax"


def _values(tensor: Any) -> Labels:
    if tensor is None:
        return []
    if tensor.data_type == _STRINGS:
        return _decoded(tensor.string_data)
    try:
        array = array_of(tensor)
    except NotRead:
        return []
    return [int(n) for n in array.reshape(-1)] if np.issubdtype(array.dtype, np.integer) else []


def _decoded(texts: Any) -> list[str]:
    return [text.decode("utf-8", "replace") for text in texts]
