"""Training in shards, in one process: which samples a batch takes, and that the steps are right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import shard_runs
from shard_runs import RUNS, ended, made, told_of
from small_runs import LABELS, X, Y, bits, classifier, regression


def fitted(name: str, shards: int | None = 5, **more: Any) -> tuple[Any, Any]:
    nn = made(RUNS[name])
    return nn, nn.fit(**told_of(RUNS[name]) | more, shards=shards)


def batches_of(shards: int, batch_size: int, samples: int, **more: Any) -> list[list[np.ndarray]]:
    """Return the samples of each batch of two epochs, shard by shard."""
    seen: list[list[np.ndarray]] = [[]]

    def loss(outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen[-1].append(targets[:, 0].astype(int))
        return np.zeros(len(outputs)), np.zeros_like(outputs)

    class Batches:
        def on_batch_end(self, batch: int, logs: dict[str, float]) -> None:
            seen.append([])

    numbers = np.arange(samples, dtype="f8")[:, None]
    nn = foxnn.neural_network([1, 1], "identity", loss=loss, dtype="float64", seed=1)
    nn.fit(
        numbers, numbers, epochs=2, batch_size=batch_size, shards=shards, check_loss=False,
        callbacks=Batches(), **more,
    )  # fmt: skip
    return seen[:-1]


@pytest.mark.parametrize(("shards", "batch_size", "samples"), [(4, 8, 43), (5, 7, 23), (3, 2, 8)])
def test_a_batch_takes_as_many_samples_of_each_shard(
    shards: int, batch_size: int, samples: int
) -> None:
    seen = batches_of(shards, batch_size, samples)
    per_epoch = -(-samples // batch_size)
    assert len(seen) == 2 * per_epoch
    ends = np.cumsum([(samples - s + shards - 1) // shards for s in range(shards)])
    orders = []
    for epoch in (seen[:per_epoch], seen[per_epoch:]):
        for i, parts in enumerate(epoch):
            chosen = np.concatenate(parts)
            assert len(chosen) == min(batch_size, samples - i * batch_size)
            counts = np.bincount(np.searchsorted(ends, chosen, side="right"), minlength=shards)
            assert counts.max() - counts.min() <= 1
            assert all(len(np.unique(np.searchsorted(ends, p, side="right"))) == 1 for p in parts)
        order = np.concatenate([np.concatenate(parts) for parts in epoch])
        assert sorted(order) == list(range(samples))
        orders.append(order.tolist())
    assert orders[0] != orders[1]
    plain = batches_of(shards, batch_size, samples, shuffle=False)
    starts = [0, *ends[:-1]]
    first = [p.tolist() for p in plain[0]]
    sizes = [(batch_size - s + shards - 1) // shards for s in range(shards)]
    assert first == [list(range(b, b + n)) for b, n in zip(starts, sizes, strict=True) if n]


@pytest.mark.parametrize("name", RUNS)
def test_a_step_of_all_samples_is_that_without_shards(name: str) -> None:
    # One batch has the same samples in both, so only the last digits differ; not what is drawn.
    if "dropout" in name or name == "pictures":
        pytest.skip("masks are drawn by the places of samples in their batch")
    told = {"batch_size": 1000, "epochs": 2, "validation": None, "early_stopping": None}
    (one, first), (other, second) = fitted(name, 7, **told), fitted(name, None, **told)
    tolerance = 1e-11 if RUNS[name].dtype == "float64" else 2e-5
    for a, b in zip(one, other, strict=True):
        for key in a.arrays:
            # A step of Adam turns the last digits of small gradients into those of the step.
            np.testing.assert_allclose(a.arrays[key], b.arrays[key], rtol=0.02, atol=2e-3)
    assert first["loss"][0] == pytest.approx(second["loss"][0], rel=tolerance * 10)
    assert first["loss"][1] == pytest.approx(second["loss"][1], rel=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shards", [1, 2, 3, 8, 16, 60])
def test_a_gradient_is_that_without_shards(shards: int, dtype: str) -> None:
    told = {"epochs": 1, "batch_size": 60, "optimizer": "sgd", "learning_rate": 1.0, "l2": 0.1}
    weights = np.linspace(0, 2, 60)
    nets = [regression(dtype=dtype) for _ in range(2)]
    for nn, cut in zip(nets, (shards, None), strict=True):
        nn.fit(X, Y, **told, sample_weight=weights, shards=cut)
    a, b = (np.frombuffer(bits(nn), nets[0].dtype) for nn in nets)
    assert np.abs(a - b).max() < (1e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize("name", RUNS)
def test_threads_change_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("FOXNN_FORCE_THREADS", threads)
        found.append(ended(*fitted(name, epochs=2)))
    assert found[0] == found[1] == found[2]


def test_the_number_of_shards_decides_the_batches() -> None:
    found = {ended(*fitted("adam", shards)) for shards in (None, 1, 2, 5, 16)}
    assert len(found) == 5


class Stop:
    """Ends a run after a number of batches."""

    def __init__(self, after: int) -> None:
        self._left = after

    def on_batch_end(self, batch: int, logs: dict[str, float]) -> bool:
        self._left -= 1
        return self._left == 0


@pytest.mark.parametrize(
    "name", ["adam", "adamw, dropout", "classes by name", "pictures", "sequences"]
)
def test_a_run_can_be_resumed(name: str, tmp_path: Path) -> None:
    expected = ended(*fitted(name))
    path = tmp_path / "run.safetensors"
    for after in (2, 5, 6):  # within epochs, and between them
        fitted(name, checkpoint=path, callbacks=Stop(after))
        assert ended(*foxnn.resume(path, **shard_runs.data_of(RUNS[name].data))) == expected


def test_epochs_auto_holds_a_share_out(  # cross-validation is for one process
) -> None:
    history = fitted("adam", epochs="auto", time_limit=0.2)[1]
    assert "val_loss" in history
    assert len(history["loss"]) > 1


def test_more_shards_than_samples() -> None:
    nn = regression()
    history = nn.fit(X[:5], Y[:5], 3, batch_size=2, shards=16)
    assert len(history["loss"]) == 3
    assert np.isfinite(history["loss"]).all()


def test_a_run_that_diverges_is_set_back() -> None:
    nn = regression()
    before = bits(nn)
    with pytest.raises(foxnn.DivergedError):
        nn.fit(X, Y, 5, shards=4, optimizer="sgd", learning_rate=1e38)
    assert bits(nn) == before


def test_what_is_refused() -> None:
    nn = classifier()
    before = bits(nn)
    cases: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"shards": 0}, ValueError, "shards must be an integer"),
        ({"shards": 2.5}, TypeError, "shards must be an integer"),
        ({"shards": "16"}, TypeError, "shards must be an integer"),
        ({"shards": 1 << 20}, ValueError, "shards must be an integer"),
        ({"shards": 4, "augment": lambda x, rng: x}, ValueError, "augment must be None with shar"),
    ]
    for told, kind, message in cases:
        with pytest.raises(kind, match=message):
            nn.fit(X, LABELS, **told)
    normed = foxnn.neural_network(
        [4, foxnn.Dense(3), foxnn.BatchNorm(), 3], "tanh", "identity", seed=1
    )
    with pytest.raises(ValueError, match=r"shards must be None: layer 1 \(BatchNorm\) needs"):
        normed.fit(X, Y[:, :1] @ np.ones((1, 3)), shards=4)
    normed[1].trainable = False
    normed.fit(X, Y[:, :1] @ np.ones((1, 3)), epochs=1, shards=4)
    steps = foxnn.neural_network([(None, 2), foxnn.GRU(3, return_sequences=True)], seed=1)
    with pytest.raises(ValueError, match="truncate must be None with shards"):
        steps.fit(np.ones((4, 6, 2)), np.ones((4, 6, 3)), truncate=2, shards=2)
    with pytest.raises(TypeError, match="communicator must be a communicator of mpi4py"):
        nn.fit(X, LABELS, communicator=3)
    assert bits(nn) == before
