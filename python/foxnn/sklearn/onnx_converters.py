"""Converters of the estimators for skl2onnx: alone and in pipelines, with its outputs and options.

Importing it registers them, and imports skl2onnx, which takes seconds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import (
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from skl2onnx.common.utils import check_input_and_output_numbers

from foxnn.formats.onnx.write import OPSET, nodes_of
from foxnn.sklearn.classifier import MLPClassifier
from foxnn.sklearn.regressor import MLPRegressor

# The options that skl2onnx has for classifiers: the probabilities as dicts or columns, all classes
# as one more output, and positions among the classes instead of the classes.
_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [True, False],
}


def _is_double(operator: Any) -> bool:
    return isinstance(operator.inputs[0].type, DoubleTensorType)


def _numbers(operator: Any, columns: int) -> Any:
    """Return the type of an output of numbers: that of the input, if it is of floats."""
    kind = DoubleTensorType if _is_double(operator) else FloatTensorType
    return kind([operator.inputs[0].get_first_dimension(), columns])


def _classifier_shapes(operator: Any) -> None:
    check_input_and_output_numbers(operator, input_count_range=1, output_count_range=2)
    estimator, rows = operator.raw_operator, operator.inputs[0].get_first_dimension()
    labels, probabilities = operator.outputs
    several = _is_multilabel(estimator)
    texts = not several and _class_values(estimator).dtype.kind == "U"
    texts = texts and not _gives_positions(operator.scope_inst, estimator)
    kind = StringTensorType if texts else Int64TensorType
    labels.type = kind([rows, estimator.n_outputs_] if several else [rows])
    probabilities.type = _numbers(operator, max(2, estimator.n_outputs_))


def _regressor_shapes(operator: Any) -> None:
    check_input_and_output_numbers(operator, input_count_range=1, output_count_range=1)
    operator.outputs[0].type = _numbers(operator, operator.raw_operator.n_outputs_)


def _is_multilabel(estimator: MLPClassifier) -> bool:
    return str(estimator._label_binarizer.y_type_).startswith("multilabel")


def _gives_positions(asked: Any, estimator: MLPClassifier) -> bool:
    return bool(asked.get_options(estimator, {"nocl": False})["nocl"])


def _class_values(estimator: MLPClassifier) -> Any:
    """Return the classes as texts or whole numbers, which are all that ONNX has for them."""
    classes = np.asarray(estimator.classes_)
    if classes.dtype.kind == "O" and all(isinstance(value, str) for value in classes):
        return classes.astype(str)
    if classes.dtype.kind == "f" and (classes == np.round(classes)).all():
        return classes.astype(np.int64)
    if classes.dtype.kind in "biu" and int(classes.max()) < 2**63:
        return classes.astype(np.int64)
    if classes.dtype.kind != "U":
        raise ValueError(
            f"classes must be texts or whole numbers in an ONNX graph, got {classes[:3]}"
        )
    return classes


class _Nodes:
    """Adds nodes to skl2onnx's graph, under names that are not yet taken there."""

    def __init__(self, scope: Any, container: Any, operator: Any) -> None:
        self._scope, self._container, self._operator = scope, container, operator
        self.kind = TensorProto.DOUBLE if _is_double(operator) else TensorProto.FLOAT

    def name(self, wanted: str) -> str:
        return str(self._scope.get_unique_variable_name(wanted))

    def constant(self, wanted: str, values: Any, kind: int) -> str:
        name, array = self.name(wanted), np.asarray(values)
        flat = array.ravel().tolist()
        given = [text.encode() for text in flat] if kind == TensorProto.STRING else flat
        self._container.add_initializer(name, kind, list(array.shape), given)
        return name

    def add(
        self,
        kind: str,
        *inputs: str,
        output: str | None = None,
        unused: int = 0,
        **attributes: Any,
    ) -> str:
        """Add a node, with outputs that are not used behind its first; return the first."""
        made = self.name(f"foxnn_{kind.lower()}") if output is None else output
        rest = [self.name(f"foxnn_{kind.lower()}_unused") for _ in range(unused)]
        title = self._scope.get_unique_operator_name(f"foxnn_{kind}")
        self._container.add_node(
            kind, list(inputs), [made, *rest], name=title, op_version=OPSET, **attributes
        )
        return made

    def outputs(self) -> str:
        """Add the layers of the estimator; return the name of what they give."""
        source = self._operator.inputs[0].full_name
        if not isinstance(self._operator.inputs[0].type, FloatTensorType | DoubleTensorType):
            source = self.add("Cast", source, to=self.kind)
        dtype = "float64" if self.kind == TensorProto.DOUBLE else "float32"
        nodes, arrays, last = nodes_of(onnx, self._operator.raw_operator.network_, dtype, source)
        names = {source: source}
        for array in arrays:
            values = numpy_helper.to_array(array)
            names[array.name] = self.constant(array.name, values, array.data_type)
        for node in nodes:
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            inputs = [names[name] for name in node.input]
            unused = len(node.output) - 1
            names[node.output[0]] = self.add(node.op_type, *inputs, unused=unused, **attributes)
        found: str = names[last]
        return found


def _regressor(scope: Any, operator: Any, container: Any) -> None:
    nodes = _Nodes(scope, container, operator)
    nodes.add("Identity", nodes.outputs(), output=operator.outputs[0].full_name)


def _classifier(scope: Any, operator: Any, container: Any) -> None:
    nodes, estimator = _Nodes(scope, container, operator), operator.raw_operator
    labels, probabilities = (variable.full_name for variable in operator.outputs)
    found = nodes.outputs()
    if estimator.n_outputs_ > 1:
        nodes.add("Identity", found, output=probabilities)
    else:
        one = nodes.constant("one", [1.0], nodes.kind)
        nodes.add("Concat", nodes.add("Sub", one, found), found, output=probabilities, axis=1)
    if _is_multilabel(estimator):
        half = nodes.constant("half", [0.5], nodes.kind)
        over = nodes.add("Greater", found, half)
        nodes.add("Cast", over, output=labels, to=TensorProto.INT64)
        return
    best = nodes.add("ArgMax", probabilities, axis=1, keepdims=0)
    classes = _class_values(estimator)
    if len(classes) == 1:
        best = nodes.add("Mul", best, nodes.constant("zero", [0], TensorProto.INT64))
    if _gives_positions(container, estimator):
        nodes.add("Identity", best, output=labels)
        return
    kind = TensorProto.STRING if classes.dtype.kind == "U" else TensorProto.INT64
    nodes.add("Gather", nodes.constant("classes", classes, kind), best, output=labels, axis=0)


update_registered_converter(
    MLPClassifier, "FoxnnMLPClassifier", _classifier_shapes, _classifier, options=_OPTIONS
)
update_registered_converter(MLPRegressor, "FoxnnMLPRegressor", _regressor_shapes, _regressor)
