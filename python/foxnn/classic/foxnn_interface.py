"""FoxNN's interface to a network: get_out, train, testing and mutation, under FoxNN's names."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array, SamplesLike
from foxnn.classic.train_data import train_data
from foxnn.formats import paths
from foxnn.formats.saved_network import SavedNetwork
from foxnn.layers.kinds import leaves
from foxnn.layers.steps import varies
from foxnn.model.losses import REPEATING, shown_loss
from foxnn.model.settings import optimizer_of, rounds_outputs
from foxnn.support import pieces
from foxnn.support.later import ModuleLater
from foxnn.support.streams import HOLDOUT, MUTATION

if TYPE_CHECKING:
    from foxnn.formats import endings
    from foxnn.model import sequences
else:  # few programs save networks as they train, or have sequences
    endings = ModuleLater("foxnn.formats.endings")
    sequences = ModuleLater("foxnn.model.sequences")


class FoxnnInterface(SavedNetwork):
    """The methods that programs written for FoxNN call."""

    def get_out(self, x: SamplesLike) -> Array:
        """Return the outputs for one or more samples, rounded if the settings say so.

        Parameters
        ----------
        x : array-like of shape (inputs,) or (samples, inputs), or sparse matrix
            Or a sequence (steps, channels), or a list of them, as in `predict`.

        Returns
        -------
        ndarray of shape (outputs,) or (samples, outputs)

        Raises
        ------
        ValueError
            For another shape, an infinity or NaN.
        OverflowError
            If an output is NaN because layers overflow the network's type.
        """
        out = None if rounds_outputs(self._settings) else _core.answer(self, x)
        if out is not None:
            return out
        self._check_names(x, "x")
        if varies(self._input_shape()):
            if sequences.is_one_sequence(self, x):
                one: Array = self._rounded(np.asarray(self.predict([x])[0]))
                return one
            found = self.predict(x)
            if isinstance(found, list):
                return [self._rounded(one) for one in found]
            return self._rounded(found)
        if checks.is_sparse(x):
            return self._rounded(self.predict(x))
        array = self._as_array(x, "x")
        if array.ndim == 1:
            if array.shape[0] != self._inputs():
                raise ValueError(f"x must have {self._inputs()} inputs, got {array.shape[0]}")
            row: Array = self._rounded(self.predict(array.reshape(1, -1)))[0]
            return row
        if len(self._input_shape()) > 1 and self._is_one_sample(array):
            row = self._rounded(self.predict(array[None]))[0]
            return row
        # The table itself if it has columns that messages can name.
        return self._rounded(self.predict(x if checks.column_names(x) else array))

    def testing(self, data: train_data) -> float:
        """Print and return the mean over the samples of the sum of absolute errors.

        Also print how many samples are true: those with all errors below `settings.min_error`.
        """
        error, n_true = self._test_error(data)
        print(f"error = {error:.15e} n_true = {n_true}/{len(data)}")
        return error

    def train(
        self,
        data_for_train: train_data,
        speed: float,
        max_iteration: int,
        size_train_batch: int = 1,
    ) -> None:
        """Make `max_iteration` steps; the gradient of a step is the sum over its batch.

        Parameters
        ----------
        data_for_train : train_data
        speed : float
            The learning rate.
        max_iteration : int
            The number of steps.
        size_train_batch : int, default=1
            Samples per step; 0 takes all of them, as does a larger number than there are. Batches
            are drawn without replacement until every sample has been taken, then again.

        Notes
        -----
        `settings.mode` names the optimizer. With `settings.n_print`, progress is printed every
        `n_print` iterations, with the error on the held-out `settings.part_for_test` of the data.
        After every `settings.auto_save_iteration` iterations the network is saved as
        `settings.auto_save_name_file`.
        """
        inputs, wanted = self._arrays_of(data_for_train, "data_for_train")
        rate = checks.real(speed, "speed", 0.0, open_low=True)
        iterations = checks.integer(max_iteration, "max_iteration", 0)
        batch = checks.integer(size_train_batch, "size_train_batch", 0)
        if self.settings.auto_save_iteration:
            # What cannot be saved is refused before training, not after the first part of it.
            name = self.settings.auto_save_name_file
            endings.check(self, endings.path_to_write(name, "auto_save_name_file"))
        plan = _core.Plan(
            optimizer_of(self._settings),
            rate,
            batch_size=min(batch, len(inputs)) or len(inputs),
            sum=True,
            threads=self.settings.n_threads,
        )
        try:
            _core.check_plan(self, plan)
        except ValueError as error:
            raise ValueError(str(error).replace("learning_rate", "speed", 1)) from None
        held_out: train_data | None = None
        if self.settings.part_for_test:
            self._check_comparable(wanted, "data_for_train")
        if count := int(len(inputs) * self.settings.part_for_test):
            order = _core.shuffled(self.seed, HOLDOUT, len(inputs), self._next_draw())
            held_out = train_data(inputs[order[:count]], wanted[order[:count]])
            inputs, wanted = inputs[order[count:]], wanted[order[count:]]
        printing, saving = self.settings.n_print, self.settings.auto_save_iteration
        done, start = 0, time.perf_counter()
        own = self._own(wanted, checks_gradient=not self._is_loss_checked, counts_batches=True)
        with self._trainer(inputs, wanted, plan, own=own) as trainer:
            while done < iterations:
                # Up to the next iteration at which something is due.
                steps = min([e - done % e for e in (printing, saving) if e] + [iterations - done])
                report = trainer.run_steps(steps)
                if report.diverged:
                    where = f"after {done + report.steps} iterations"
                    from foxnn.training.advice import diverged_network

                    last = report.last_loss
                    loss = last if math.isfinite(last) else None
                    raise diverged_network(self, where, loss=loss)
                done += steps
                if saving and done % saving == 0:
                    self.save(self.settings.auto_save_name_file)
                if printing and (done % printing == 0 or done == iterations):
                    seconds = time.perf_counter() - start
                    self._print_iteration(done, iterations, seconds, held_out)
                    start = time.perf_counter()
        self._is_loss_checked = own is not None and own.is_checked

    def train_on_file(
        self, name_file: str, speed: float, max_iteration: int, size_train_batch: int = 1
    ) -> None:
        """Train on the samples in a train_data file, as `train` does.

        Parameters
        ----------
        name_file : str or path
        speed : float
        max_iteration : int
        size_train_batch : int, default=1
        """
        data = train_data(paths.path_of(name_file, "name_file"))
        self.train(data, speed, max_iteration, size_train_batch)

    def random_mutation(self, speed: float) -> None:
        """Add a number drawn uniformly from [-speed, speed] to every weight and bias."""
        self._mutate(checks.real(speed, "speed"), relative=False)

    def smart_mutation(self, speed: float) -> None:
        """Redraw every weight and bias w uniformly from [w - |w speed|, w + |w speed|]."""
        self._mutate(checks.real(speed, "speed"), relative=True)

    def _mutate(self, speed: float, relative: bool) -> None:
        draw = self._draw()
        trained = [
            (leaf["index"], name)
            for leaf in leaves(self._layers())
            for name in leaf["arrays"]
            if name not in leaf["running"]
        ]
        position = 0
        mutated: list[tuple[int, str, Array]] = []
        for index, name in trained:
            array = self._array(index, name)
            flat = array.reshape(-1)
            for part in pieces.slices(flat):
                old = flat[part]
                step = _core.uniform(
                    self.seed, MUTATION, len(old), draw, self.settings.n_threads, position
                )
                step = 2.0 * step - 1.0
                with np.errstate(over="ignore", invalid="ignore"):
                    new = old + speed * step * (np.abs(old) if relative else 1.0)
                if not checks.all_finite(new, self._single()):
                    raise ValueError(f"speed must leave the weights finite, got {speed}")
                old[:] = new
                position += len(old)
            mutated.append((index, name, array))
        self._set_arrays(mutated)
        self._next_draw()

    def _rounded(self, out: Array) -> Array:
        settings = self.settings
        for part in pieces.slices(out) if rounds_outputs(settings) else ():
            some = out[part]
            if settings.max_on_last_layer:
                largest = some.argmax(axis=-1)
                some[:] = 0
                np.put_along_axis(some, largest[..., None], 1, axis=-1)
            else:
                # In float64, even for float32 outputs.
                some[:] = some >= np.float64(settings.intermediate_value)
        return out

    def _test_error(self, data: train_data) -> tuple[float, int]:
        x, y = self._arrays_of(data, "data")
        self._check_comparable(y, "data")
        out, sums, n_true = self._rounded(self.predict(x)), np.empty(len(x)), 0
        out = out.reshape(len(x), -1)
        for part in pieces.slices(out):
            errors = np.abs(out[part] - y[part].astype(np.float64))
            n_true += int((errors < self.settings.min_error).all(axis=1).sum())
            sums[part] = errors.sum(axis=1)
        return float(sums.mean()), n_true

    def _arrays_of(self, data: train_data, name: str) -> tuple[Array, Array]:
        if varies(self._input_shape()):
            raise ValueError(
                f"{name} must be of a network whose samples have one shape; fit trains one of "
                "sequences, and evaluate tests it"
            )
        if not isinstance(data, train_data):
            raise TypeError(f"{name} must be a foxnn.train_data, got {checks.shown(data)}")
        if not len(data):
            raise ValueError(f"{name} holds no samples, but must hold at least one")
        x, y = data._arrays()
        if self._input_names is not None and data._names not in (None, self._input_names):
            raise ValueError(
                f"{name} must have the columns seen before, in their order "
                f"({', '.join(self._input_names)}), got {', '.join(data._names)}"
            )
        columns = math.prod(self._target_shape()) if self._own_loss is None else y.shape[1]
        if (x.shape[1], y.shape[1]) != (self._inputs(), columns):
            raise ValueError(
                f"{name} must have {self._inputs()} inputs and {columns} outputs, "
                f"got {x.shape[1]} and {y.shape[1]}"
            )
        inputs, wanted = self._samples(x, y, f"the inputs of {name}", f"the outputs of {name}")
        return checks.dense(inputs), wanted

    def _check_comparable(self, wanted: Array, name: str) -> None:
        """Refuse to test where outputs are not answers that should be equal to the targets."""
        if self._loss() in REPEATING or wanted[0].size != self._outputs():
            raise ValueError(
                f"{name} cannot be tested: loss={shown_loss(self.loss)} has other outputs than "
                "targets; evaluate tells the loss"
            )

    def _print_iteration(
        self, reached: int, iterations: int, seconds: float, held_out: train_data | None
    ) -> None:
        line = f"iteration = {reached}/{iterations} train_time = {seconds:.3f}"
        if held_out is not None:
            error, n_true = self._test_error(held_out)
            line += f" error = {error:.15e} n_true = {n_true}/{len(held_out)}"
        print(line, flush=True)
