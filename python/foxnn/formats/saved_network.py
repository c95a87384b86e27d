"""The network as it is read from a file and written to one, in any format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from foxnn import checks
from foxnn.checks import SamplesLike
from foxnn.checks.keywords import answers, unknown
from foxnn.layers import ActivationLike
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.base import dtype_name
from foxnn.model.losses import LossLike
from foxnn.support.array_types import ArrayLike
from foxnn.support.later import ModuleLater

if TYPE_CHECKING:
    from foxnn.formats import endings
else:  # the readers and writers, for programs that have a network file
    endings = ModuleLater("foxnn.formats.endings")


class _Usual(str):
    """The activation that a network has where none is given, which files of others must tell."""


_USUAL = _Usual("sigmoid")


class SavedNetwork(AnsweringNetwork):
    """Made from a list of sizes, or from a file; saved as a file, as C, or as a page."""

    @answers("neural_network")
    def __init__(
        self,
        sizes: Sequence[Any] | str | os.PathLike[str],
        activation: ActivationLike | Sequence[ActivationLike] | bool = _USUAL,
        output_activation: ActivationLike | None = None,
        loss: LossLike | None = None,
        init: str = "auto",
        dtype: str | None = None,
        seed: int | None = None,
        only_scale: bool = False,
        **others: NoReturn,
    ) -> None:
        if others:
            raise unknown("neural_network", others)
        self._refuse_second_making()
        if isinstance(sizes, str | os.PathLike):
            if isinstance(activation, bool | int):  # FoxNN's second argument
                if only_scale and not activation:
                    raise ValueError("only_scale must be given once, got False and True")
                activation, only_scale = _USUAL, checks.flag(activation, "only_scale")
            is_state_dict = endings.is_state_dict(sizes)
            told = {"activation": activation, "output_activation": output_activation}
            _refuse_beside_a_file(**({} if is_state_dict else told), init=init)
            kind = None if dtype is None else dtype_name(dtype)
            path, alone = endings.path_of(sizes, "sizes"), checks.flag(only_scale, "only_scale")
            if is_state_dict:
                given = None if isinstance(activation, _Usual) else activation
                endings.load_state_dict(
                    self, path, given, output_activation, alone, loss, kind, seed
                )
            else:
                endings.load(self, path, alone, loss, kind, seed)
            return
        if isinstance(sizes, bytes):
            raise TypeError(
                f"sizes must be a list of layer sizes, got the bytes {checks.shown(sizes)}"
            )
        if checks.flag(only_scale, "only_scale"):
            raise ValueError("only_scale must be False where no file is read, got True")
        self._make(sizes, activation, output_activation, loss, init, dtype, seed)

    def save(self, name_file: str | os.PathLike[str], only_scale: bool = False) -> None:
        """Write the network to a file that `neural_network` reads.

        The ending selects the format. `.safetensors` holds everything, including the optimizer and
        the random state, so training continues bit for bit; `.onnx` (extra `onnx`) holds what other
        programs need to compute the outputs. Endings of other programs (`.pt`, `.h5`, `.pkl`) are
        refused, and any other ending selects FoxNN's text, whose numbers read back exactly. FoxNN
        has no scalers: they are folded into the weights of the first and the last layer. If
        anything goes wrong, an earlier file is unchanged.

        Parameters
        ----------
        name_file : str or path
        only_scale : bool, default=False
            Whether to leave out settings and activations of a text: layers are then read as
            sigmoid.

        Raises
        ------
        ValueError
            For the ending of another program's format, and for what the format cannot hold. FoxNN's
            text lacks some activations, and scaled outputs that do not come out of identity_x.
        ImportError
            If onnx is needed and missing.
        OSError
            If the file cannot be written.
        RuntimeError
            While another thread trains the network.
        """
        path = endings.path_to_write(name_file, "name_file")
        endings.save(self, path, checks.flag(only_scale, "only_scale"))

    def export_c(
        self,
        name_file: str | os.PathLike[str],
        name: str | None = None,
        weights: str | None = None,
        samples: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> dict[str, float]:
        """Write the network as a C99 header that computes what `predict` does, and a self-test.

        The header needs no library but math.h, keeps no state and allocates nothing: for
        microcontrollers, and for any program in C or C++. Beside `net.h` stands `net_test.c`, a
        program that compares it with recorded outputs of this network and ends with 0 where they
        agree within 1e-6 (of 1, or of an output that is larger; in a network where rounding alone
        does more, eight times as much).

        Where a recurrent network reads in one direction, and each of its layers computes a step
        without the steps to come, the header has NAME_step, too: it takes one step of a sequence,
        with a state of type NAME_state that NAME_reset clears. Of a network of sequences of any
        length it has these alone.

        Parameters
        ----------
        name_file : str or path
            Ends in `.h`.
        name : str, optional
            What names in C begin with: NAME_predict. By default that of the file.
        weights : {"int8"}, optional
            Rounds weights to 8 bits, with a factor for each neuron. By default they are float, or
            double where the network is float64.
        samples : tuple (x, y), optional
            Inputs and wanted outputs, on which the loss of accuracy by 8 bits is measured. The
            self-test takes its first inputs from them.

        Returns
        -------
        dict
            "constant_bytes" and "stack_bytes", "state_bytes" if there is NAME_step, and with
            `weights` and `samples` "loss", "loss_int8", where the loss classifies "accuracy" and
            "accuracy_int8", and "largest_difference", that of an output.

        Raises
        ------
        ValueError
            For a name that C cannot take, for scalers beyond the range of float, and for a network
            of sequences of any length that does not go step by step.
        OSError
            If the files cannot be written; older ones are unchanged.
        RuntimeError
            While another thread trains the network.

        Examples
        --------
        >>> import foxnn, os, tempfile
        >>> nn = foxnn.neural_network([4, 8, 3], "relu", "softmax", seed=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = nn.export_c(os.path.join(folder, "iris.h"))
        ...     sorted(os.listdir(folder))
        ['iris.h', 'iris_test.c']
        >>> report
        {'constant_bytes': 268, 'stack_bytes': 32}
        """
        from foxnn.formats.c import export  # late: few programs need it

        return export.export(self, name_file, name, weights, samples)

    def export_html(
        self,
        name_file: str | os.PathLike[str],
        samples: SamplesLike | tuple[SamplesLike, ArrayLike] | None = None,
        picture: Sequence[int] | bool | None = None,
        title: str | None = None,
    ) -> None:
        """Write the network as a page that computes it, and shows every layer at work.

        The page is a single file that any current browser opens from the disk; it loads nothing
        from anywhere. Pictures are drawn, other inputs are set by sliders and choices, sequences go
        step by step. It shows what every layer makes of them, the outputs by their classes, and the
        weights that come into a neuron one points at. It tests itself: its answers to recorded
        samples must agree with `predict` within 1e-5 (of 1, or of an output that is larger; in a
        network where rounding alone does more, eight times as much), and it says whether they do.
        Its weights are float32. Without them and the samples it has some 87 kB.

        Parameters
        ----------
        name_file : str or path
            Ends in `.html` or `.htm`.
        samples : array-like of shape (samples, inputs), or tuple (x, y), optional
            Samples to choose from, in any form that `predict` takes, and with y what each of them
            is. Of many, the page has up to 60 that are spread evenly, of together at most 120 kB.
            Their numbers are the range of the sliders, and the ink of pictures; without samples it
            is that of `input_scaler`, or 0 to 1 for pictures and -2 to 2 for others.
        picture : (height, width) or (height, width, channels), or False, optional
            How flat inputs are shown as a picture; False shows them as a table. By default they are
            a picture if they have no names and could be a square of 8 times 8 or more.
        title : str, optional
            By default the name of the file without its ending.

        Raises
        ------
        ValueError
            For a name with another ending, a layer that a page cannot hold, more numbers than
            browsers can open (some 100 million), samples of another shape, and a picture that does
            not have as many numbers as there are inputs.
        OSError
            If the file cannot be written; an older one is unchanged.
        RuntimeError
            While another thread trains the network.

        Examples
        --------
        >>> import foxnn, os, tempfile
        >>> nn = foxnn.neural_network([4, 8, 3], "relu", "softmax", seed=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     nn.export_html(os.path.join(folder, "iris.html"), samples=[[5.1, 3.5, 1.4, 0.2]])
        ...     os.listdir(folder)
        ['iris.html']
        """
        from foxnn.formats.html import export  # late: few programs need it

        export.export(self, name_file, samples, picture, title)


def _refuse_beside_a_file(**arguments: object) -> None:
    usual = {"activation": "sigmoid", "output_activation": None, "init": "auto"}
    for name, value in arguments.items():
        # Not by !=, which objects of all kinds answer in their own way.
        given = str.__str__(value) if isinstance(value, str) else value
        if not (isinstance(given, str) and given == usual[name]) and given is not usual[name]:
            raise ValueError(
                f"{name} must be left out where a file is read, which says it, got "
                f"{checks.shown(value)}"
            )
