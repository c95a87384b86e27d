"""Workers of a back end of joblib, among them those of Dask, for the length of one call.

How many there are, what share of the cores each has, and how all of them stop when the call does.
joblib and Dask are imported only here, when a back end is asked for.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any

from foxnn import _core, checks
from foxnn.support.extras import library

# The calls of this process that go on: workers that are its threads find here whether to stop.
_GOING_ON: dict[str, threading.Event] = {}


class Workers:
    """The workers of a back end: a context.

    Attributes
    ----------
    count : int
        How many calls run at once.
    name : str
        By which `stop_of` finds, in a worker, whether to stop.
    """

    def __init__(self, backend: Any, user: str) -> None:
        self._joblib = joblib = library("joblib", "dask", f"{user} with a backend")
        self._config = _configuration(joblib, backend)
        self.name = uuid.uuid4().hex
        self._stop = threading.Event()

    def __enter__(self) -> Workers:
        self._config.__enter__()
        try:
            self._backend, jobs = self._joblib.parallel.get_active_backend()
            unset = self._joblib.parallel.default_parallel_config["n_jobs"]
            if self._config.parallel_config["n_jobs"] is unset:
                jobs = -1  # all that the back end has
            self._jobs = jobs
            self.count = max(1, int(self._joblib.effective_n_jobs(jobs)))
        except BaseException:
            self._config.__exit__(*sys.exc_info())
            raise
        _GOING_ON[self.name] = self._stop
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del _GOING_ON[self.name]
        self._config.__exit__(kind, error, trace)

    @property
    def client(self) -> Any:
        """The client of Dask, if the workers are Dask's; else None."""
        return getattr(self._backend, "client", None)

    def threads(self, wanted: int) -> int:
        """Return how many threads a worker may use where so many are wanted; 0: its share.

        loky tells its processes their share in OMP_NUM_THREADS, which the engine obeys, and Dask's
        workers know theirs by themselves; of others, all are on this machine.
        """
        if wanted or self.client is not None or self._backend.supports_inner_max_num_threads:
            return wanted
        return max(1, _core.thread_limit() // self.count)

    def each(self, function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """Yield the results of calls as they come; an exception ends all of them."""
        delayed = self._joblib.delayed(function)
        as_they_come = "generator_unordered" if self._backend.supports_return_generator else "list"
        run = self._joblib.Parallel(n_jobs=self._jobs, batch_size=1, return_as=as_they_come)
        try:
            yield from run(delayed(*arguments) for arguments in calls)
        except BaseException:
            self._stop_all()
            raise

    def _stop_all(self) -> None:
        """Let the workers end what they do, of which nobody will see the results.

        Processes of joblib are ended by it; its threads, and Dask's workers, ask now and then.
        """
        self._stop.set()
        if self.client is not None:
            with contextlib.suppress(Exception):  # the cluster may be what has failed
                _event(self.name, self.client).set()


def stop_of(name: str) -> Callable[[], bool] | None:
    """Return what tells, in a worker, whether the call with this name has ended early.

    None in a process of its own, which is ended from outside.
    """
    if (event := _GOING_ON.get(name)) is not None:
        return event.is_set
    if (worker := _dask_worker()) is not None:
        asked: Callable[[], bool] = _event(name, worker.client).is_set
        return asked
    return None


def share(threads: int) -> int:
    """Return how many threads a call in this worker may use; 0: as many as there are.

    A worker of Dask runs as many tasks at once as it has threads, and they share the cores of its
    process: one each, unless OMP_NUM_THREADS or the lack of it gives the process more.
    """
    if threads == 0 and (worker := _dask_worker()) is not None:
        return max(1, _core.thread_limit() // int(worker.state.nthreads))
    return threads


def _event(name: str, client: Any) -> Any:
    return sys.modules["distributed"].Event(f"foxnn-{name}", client=client)


def _dask_worker() -> Any:
    """Return the worker of Dask that runs this thread's task, if one does."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.get_worker()
    except ValueError:
        return None


def _configuration(joblib: Any, backend: Any) -> Any:
    """Return a context in which a back end is joblib's, which `backend` names, is, or leads to."""
    distributed = sys.modules.get("distributed")
    if distributed is not None and isinstance(backend, distributed.Client):
        return joblib.parallel_config("dask", client=backend)
    if isinstance(backend, joblib.parallel.ParallelBackendBase):
        return joblib.parallel_config(backend)
    if not isinstance(backend, str):
        raise TypeError(
            "backend must be the name of a back end of joblib, one of its objects, or a client of "
            f"dask.distributed, got {checks.shown(backend)}"
        )
    known = joblib.parallel.BACKENDS
    names = sorted({*known, *joblib.parallel.EXTERNAL_BACKENDS})
    name = checks.choice(backend, "backend", names)
    active, _ = joblib.parallel.get_active_backend()
    if known.get(name) is type(active):  # with what the program has told it
        return joblib.parallel_config(active)
    if name == "dask":
        distributed = library("distributed", "dask", "backend='dask'")
        try:
            distributed.get_client()
        except ValueError:
            raise ValueError(
                "backend must be left out, or a client of Dask be made first, "
                "dask.distributed.Client(), got 'dask' without one"
            ) from None
    return joblib.parallel_config(name)
