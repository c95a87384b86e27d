"""The networks of all settings and folds of a search, in as few populations as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.checks.keywords import ARGUMENTS, unknown
from foxnn.populations.folds import pairs_of
from foxnn.populations.group import MAKING, Group, Material, network_of, training
from foxnn.populations.per_member import EACH, USUAL
from foxnn.populations.together import described_argument
from foxnn.training.ranks import ALONE, Ranks
from foxnn.training.update_rules import kind_of

# What `fit` takes, but not here: these belong to a single run.
_REFUSED = (
    "checkpoint",
    "checkpoint_every",
    "augment",
    "truncate",
    "callbacks",
    "time_limit",
    "shards",
    "communicator",
    "average_every",
)
# What is the same if its text is.
_PLAIN = {bool, int, float, str, type(None)}
#: The arguments of `fit` that settings may have.
ALLOWED = [name for name in USUAL if name not in _REFUSED]


class Contest(Material):
    """The networks of all settings and folds, in as few populations as possible.

    Attributes
    ----------
    call : str
        The name of the function that the user has called.
    count : int
        How many samples there are.
    epochs : int
        How many epochs a setting is trained for that is not ended early.
    classifies : bool
        Whether there is an accuracy.
    scores : dict of str to ndarray of shape (settings, folds)
    reached : ndarray of shape (settings,)
        After how many epochs each was scored.
    """

    def __init__(
        self,
        call: str,
        making: dict[str, Any],
        fit: dict[str, Any],
        settings: Sequence[Mapping[str, Any]],
        x: Any,
        y: Any,
        folds: Any,
        n_threads: Any,
        ranks: Ranks = ALONE,
    ) -> None:
        for names, where in ((fit, ""), *((one, "grid") for one in settings)):
            for name in names:
                checks.text(name, "a name of grid")
                if name in _REFUSED:
                    raise ValueError(f"{name} must be left out: it is for neural_network.fit")
                if where and name in ARGUMENTS[call] and name not in (*ALLOWED, *MAKING, "seed"):
                    raise ValueError(f"{name} must be given beside grid, for all settings alike")
                if name not in ALLOWED and not (where and name in (*MAKING, "seed")):
                    raise unknown(call, [name])
                if where and name in fit:
                    raise ValueError(f"{name} must be given once, got it in grid and for all")
        self._settings = [making | USUAL | fit | dict(one) for one in settings]
        # Without a seed, all ranks take that which the first has drawn.
        drawn = checks.seed(making["seed"])
        every = ranks.gathered(drawn)  # by all of them, even if some were given one
        drawn = every[0] if making["seed"] is None else drawn
        for one in self._settings:
            one["seed"] = drawn if one["seed"] is None else checks.seed(one["seed"])
            if one["progress"] is None and len(settings) > 1:
                one["progress"] = False
        threads = ranks.threads(n_threads)
        super().__init__(x, y, self._settings[0]["lengths"], threads, settings)
        self._ranks = ranks
        self.call = call
        first = network_of(self._settings[0])
        self.classifies = first._classifies()
        samples = self.samples(first, None)
        self.count = len(samples)
        self.pairs = pairs_of(first, samples.y, folds, drawn)
        if ranks is not ALONE:
            from foxnn.populations.ranked import refuse_different_contests

            refuse_different_contests(ranks, making | fit, settings, samples, self.pairs)
        self.epochs = max(checks.integer(one["epochs"], "epochs", 1) for one in self._settings)
        self.scores: dict[str, Array] = {}
        self.reached = np.zeros(len(settings), np.int64)

    def run(self, rungs: Sequence[int], monitor: str, backend: Any = None) -> None:
        """Train all networks; after each rung, the worse half of the settings ends.

        `backend` is a back end of joblib that does it, or None.
        """
        if backend is not None and self._ranks is not ALONE:
            raise ValueError("backend must be None with a communicator, got both")
        groups, context = self._groups(), None
        # All is checked before a context is entered, so that warnings find the user's line.
        if self._ranks is not ALONE:
            from foxnn.populations.ranked import prepare_shares, training_on  # late: few have any

            pulse = prepare_shares(self._ranks, groups)
            context = training_on(self._ranks, groups, pulse)
        else:
            for group in groups:
                group.prepare()
        with ExitStack() as stack:
            if context is not None:
                train = stack.enter_context(context)
            elif backend is None:
                train = stack.enter_context(training(groups))
            else:
                from foxnn.populations.divided import training_by  # late: few searches have any

                train = stack.enter_context(training_by(backend, groups, self))
            for rung in rungs:
                train(rung)
                self._take(groups, rung)
                self._halve(groups, monitor)
            train(None)
        self._take(groups, self.epochs)

    def _groups(self) -> list[Group]:
        """Return populations of the settings that can be trained together."""
        found: dict[Any, list[int]] = {}
        texts: dict[int, str] = {}  # by identity: what all settings have alike is one object

        def text(value: object) -> str:
            if id(value) not in texts:
                texts[id(value)] = _text_of(value)
            return texts[id(value)]

        for i, one in enumerate(self._settings):
            rest = [text(one[name]) for name in one if name not in (*EACH, "seed")]
            found.setdefault((kind_of(one["optimizer"]), *rest), []).append(i)
        for one in self._settings if not self._ranks.speaks else ():
            one["progress"] = False  # now that all ranks have the same groups
        return [
            Group([self._settings[i] for i in which], which, self.pairs, self)
            for which in found.values()
        ]

    def _take(self, groups: Sequence[Group], epochs: int) -> None:
        """Note the scores of the settings that are still trained."""
        for group in groups:
            if not group.alive:
                continue
            for name, numbers in group.scores().items():
                if name not in self.scores:
                    shape = len(self._settings), len(self.pairs)
                    self.scores[name] = np.full(shape, np.nan)
                self.scores[name][group.alive] = numbers
            self.reached[group.alive] = np.minimum(epochs, group.epochs)

    def _halve(self, groups: Sequence[Group], monitor: str) -> None:
        alive = np.array([i for group in groups for i in group.alive])
        means = self.scores[monitor][alive].mean(axis=1)
        signed = np.where(np.isnan(means), np.inf, means if monitor == "loss" else -means)
        worse = alive[np.argsort(signed, kind="stable")[(len(alive) + 1) // 2 :]]
        for group in groups:
            group.end(set(worse.tolist()))


def _text_of(value: object) -> str:
    """Return what is the same for values that are the same."""
    try:
        if isinstance(value, Mapping):
            named = [f"{name!r}: {_text_of(one)}" for name, one in value.items()]
            return f"{{{', '.join(named)}}}"
        if isinstance(value, list | tuple) and not {*map(type, value)} <= _PLAIN:
            # Not their repr: that of a text in a text, and so on, doubles its quotes each time.
            return f"[{', '.join(map(_text_of, value))}]"
        text = repr(value)
        if " at 0x" in text:  # a function, or an object that has no text of its own
            return f"{text} {id(value)}"
        # Not the text itself: that of a large array leaves out most of its numbers.
        return repr(described_argument(value))
    except RecursionError:  # of a list in itself, which is refused later
        return str(id(value))
