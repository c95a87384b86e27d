"""Networks of bytes in the engine: every kernel set against whole numbers, to the last bit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

import byte_reference
import foxnn
from foxnn import _core
from foxnn.model.byte_stages import PLAIN, ByteNetwork, Rounding, Stage

RunPython = Callable[..., "CompletedProcess[str]"]
SETS = _core.byte_kernel_sets()


def product(rng: np.random.Generator, channels: int, filters: int, **own: Any) -> Stage:
    """Return a stage of random weights, whose bytes are spread over all values."""
    taps = int(np.prod(own.get("kernel", (1, 1, 1))))
    weights = rng.integers(-127, 128, taps * channels * filters).astype(np.int8)
    spread = 60.0 * np.sqrt(taps * channels) * 100.0
    return Stage(
        "product",
        channels,
        weights=weights,
        bias=rng.integers(-9000, 9000, filters).astype(np.int32),
        factors=(rng.uniform(0.5, 2.0, filters) * 100.0 / spread).astype(np.float32),
        **{"zero": 120, "rounding": Rounding(1.0, -100.0, 155.0, 100), **own},
    )


def last(rng: np.random.Generator, channels: int, filters: int = 3) -> Stage:
    """Return a dense stage that gives numbers."""
    return product(rng, channels, filters, zero=100, gives_numbers=True)


def same_as_whole_numbers(network: ByteNetwork, x: np.ndarray) -> np.ndarray:
    """Compare all kernel sets, with different numbers of threads; return the answers."""
    wanted = byte_reference.answers(network, x)
    for name in SETS:
        engine = network.engine(name)
        assert engine.kernels == name
        for threads in (1, 3):
            found = engine.predict(x, threads)
            assert found is not None
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, wanted, strict=False)
    return wanted


@pytest.mark.parametrize("inputs", [1, 3, 4, 5, 31, 64, 97])
@pytest.mark.parametrize("filters", [1, 5, 8, 9, 16, 17, 24, 25, 33, 70])
def test_dense_stages(inputs: int, filters: int) -> None:
    rng = np.random.default_rng(inputs * 100 + filters)
    network = ByteNetwork(inputs, PLAIN, [product(rng, inputs, filters), last(rng, filters)])
    x = rng.integers(0, 256, (29, inputs)).astype(np.uint8)
    wanted = same_as_whole_numbers(network, x)
    assert len(np.unique(wanted)) > 5


@pytest.mark.parametrize("rows", [1, 2, 13, 14, 15, 28, 113, 300])
def test_any_number_of_samples(rows: int) -> None:
    rng = np.random.default_rng(rows)
    network = ByteNetwork(20, PLAIN, [product(rng, 20, 40), product(rng, 40, 6), last(rng, 6)])
    same_as_whole_numbers(network, rng.integers(0, 256, (rows, 20)).astype(np.uint8))


WINDOWS: dict[str, dict[str, Any]] = {
    "valid": {"inputs": (1, 6, 9), "outputs": (1, 4, 7), "kernel": (1, 3, 3)},
    "same": {"inputs": (1, 6, 9), "outputs": (1, 6, 9), "kernel": (1, 5, 5), "before": (0, 2, 2)},
    "strides": {
        "inputs": (1, 7, 9), "outputs": (1, 3, 4), "kernel": (1, 3, 2), "stride": (1, 2, 2),
    },
    "dilation": {
        "inputs": (1, 8, 9), "outputs": (1, 4, 5), "kernel": (1, 3, 3), "dilation": (1, 2, 2),
    },
    "one axis": {"inputs": (1, 1, 30), "outputs": (1, 1, 30), "kernel": (1, 1, 4),
                 "before": (0, 0, 1)},
    "three axes": {"inputs": (3, 4, 5), "outputs": (3, 2, 3), "kernel": (3, 3, 3),
                   "before": (1, 0, 0)},
    "one window": {"inputs": (1, 3, 4), "outputs": (1, 1, 1), "kernel": (1, 3, 4)},
}  # fmt: skip


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize(("channels", "filters"), [(1, 6), (3, 8), (4, 17), (18, 40)])
def test_convolutions(name: str, channels: int, filters: int) -> None:
    rng = np.random.default_rng(channels)
    at = WINDOWS[name]
    stage = product(rng, channels, filters, **at)
    end = last(rng, stage.size)
    count = int(np.prod(at["inputs"])) * channels
    x = rng.integers(0, 256, (5, count)).astype(np.uint8)
    same_as_whole_numbers(ByteNetwork(count, PLAIN, [stage, end]), x)
    # As the last stage, which gives numbers at each position.
    numbers = dataclasses.replace(stage, gives_numbers=True)
    same_as_whole_numbers(ByteNetwork(count, PLAIN, [numbers]), x)


@pytest.mark.parametrize("kind", ["largest", "average"])
@pytest.mark.parametrize("channels", [1, 6, 16, 21])
def test_pools(kind: str, channels: int) -> None:
    rng = np.random.default_rng(channels)
    at = {
        "inputs": (1, 5, 7), "outputs": (1, 3, 4), "kernel": (1, 3, 3), "stride": (1, 2, 2),
        "before": (0, 1, 1),
    }  # fmt: skip
    pool = Stage(kind, channels, **at)
    conv = product(rng, channels, 9, inputs=(1, 3, 4), outputs=(1, 2, 3), kernel=(1, 2, 2))
    numbers = Stage(
        "numbers", conv.size, zero=7, factors=np.array([0.25], "f4"), gives_numbers=True
    )
    x = rng.integers(0, 256, (4, 35 * channels)).astype(np.uint8)
    same_as_whole_numbers(ByteNetwork(35 * channels, PLAIN, [pool, conv, numbers]), x)


def test_tables() -> None:
    rng = np.random.default_rng(0)
    one = Stage("table", 12, table=rng.permutation(256).astype(np.uint8))
    each = Stage("table", 3, (1, 1, 4), (1, 1, 4), table=rng.integers(0, 256, 768).astype(np.uint8))
    of_sums = product(
        rng, 12, 20, rounding=Rounding(1.0, -400.0, 623.0, 400),
        table=rng.integers(0, 256, 1024).astype(np.uint8),
    )  # fmt: skip
    x = rng.integers(0, 256, (40, 12)).astype(np.uint8)
    same_as_whole_numbers(ByteNetwork(12, PLAIN, [one, each, of_sums, last(rng, 20)]), x)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_sums_are_exact(sign: int) -> None:
    # Two products of 255 and 127 are beyond 16 bits, and all of them beyond float32's digits.
    stage = Stage(
        "product", 4001, weights=np.full(4001 * 3, 127 * sign, np.int8),
        bias=np.array([2**30, -(2**30), 1], np.int32), factors=np.ones(3, "f4"),
        gives_numbers=True,
    )  # fmt: skip
    x = np.full((2, 4001), 255, np.uint8)
    x[1, 1::2] = 254
    found = same_as_whole_numbers(ByteNetwork(4001, PLAIN, [stage]), x)
    assert found[0, 2] == np.float32(4001 * 255 * 127 * sign + 1)


def test_halves_go_to_even_numbers() -> None:
    stage = Stage(
        "product", 1, weights=np.array([1], np.int8), bias=np.zeros(1, np.int32),
        factors=np.array([0.5], "f4"),
    )  # fmt: skip
    numbers = Stage("numbers", 1, factors=np.ones(1, "f4"), gives_numbers=True)
    network = ByteNetwork(1, Rounding(2.0, -4.0, 251.0, 4), [stage, numbers])
    x = np.array([[-2.25], [-1.75], [0.25], [0.75], [1.25], [1.75], [300.0]], "f4")
    for name in SETS:
        found = network.engine(name).predict(x, 1)
        # Bytes are 0 (of -4.5 and -3.5, with 4 added), 4, 6, 6, 8, 255; and then half of them.
        assert found is not None
        assert found.ravel().tolist() == [0.0, 0.0, 2.0, 3.0, 3.0, 4.0, 128.0]
    same_as_whole_numbers(network, x)


@pytest.mark.parametrize("kind", ["f4", "f8", "u1"])
def test_inputs_of_every_type(kind: str) -> None:
    rng = np.random.default_rng(3)
    scaling = rng.normal(size=37) * 40, rng.uniform(0.01, 0.1, 37)
    stages = [product(rng, 37, 8), last(rng, 8)]
    x = (rng.random((60, 37)) * 255).astype(kind)
    for network in (
        ByteNetwork(37, Rounding(0.9, -20.0, 200.0, 20), stages),
        ByteNetwork(37, Rounding(11.3, -120.0, 135.0, 120), stages, scaling),
    ):
        same_as_whole_numbers(network, x)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 15, 16, 36])
def test_what_is_not_finite(wrong: float, column: int) -> None:
    rng = np.random.default_rng(3)
    x = np.zeros((20, 37), "f4")
    x[13, column] = wrong
    for name in SETS:
        engine = ByteNetwork(37, PLAIN, [last(rng, 37)]).engine(name)
        assert engine.predict(x, 1) is None
        assert engine.predict(x[:13], 1) is not None


def changed(**own: Any) -> ByteNetwork:
    rng = np.random.default_rng(0)
    stage = product(rng, 3, 4, **WINDOWS["same"])
    own_stage = dataclasses.replace(stage, **own)
    end = Stage("numbers", stage.size, factors=np.ones(1, "f4"), gives_numbers=True)
    return ByteNetwork(162, PLAIN, [own_stage, end])


@pytest.mark.parametrize(
    "own",
    [
        {"kind": "other"},
        {"channels": 2},
        {"inputs": (1, 6, 8)},
        {"inputs": (1, -6, -9)},
        {"outputs": (1, 6, 2**40)},
        {"outputs": (1, 6, 10)},
        {"outputs": (0, 6, 9)},
        {"kernel": (1, 5, 4)},
        {"stride": (1, 1, 2**39)},
        {"dilation": (1, 1, 2**39)},
        {"before": (0, 2, 5)},
        {"before": (0, 2, -1)},
        {"zero": 256},
        {"zero": -1},
        {"weights": np.zeros(299, np.int8)},
        {"bias": np.zeros(5, np.int32)},
        {"bias": np.full(4, 2**31 - 1, np.int32)},
        {"factors": np.ones(3, "f4")},
        {"factors": np.full(4, np.inf, "f4")},
        {"factors": np.zeros(4, "f4")},
        {"rounding": Rounding(1.0, -101.0, 155.0, 100)},
        {"rounding": Rounding(1.0, -100.0, 156.0, 100)},
        {"rounding": Rounding(1.0, 5.0, 4.0, 0)},
        {"rounding": Rounding(1.0, 0.5, 4.0, 0)},
        {"rounding": Rounding(1.0, float("nan"), 4.0, 0)},
        {"table": np.zeros(255, np.uint8)},
        {"table": np.zeros(2**16 + 1, np.uint8)},
        {"gives_numbers": True},
        {"kind": "largest", "dilation": (1, 2, 1)},
        {"kind": "largest", "kernel": (1, 1, 1), "before": (0, 1, 0)},
        {"kind": "table"},
        {"kind": "numbers"},
    ],
    ids=str,
)
def test_stages_that_do_not_fit(own: dict[str, Any]) -> None:
    assert changed().engine().outputs == 216
    with pytest.raises(ValueError, match=r"stage|numbers"):
        changed(**own).engine()


@pytest.mark.parametrize("kind", ["largest", "average", "table"])
def test_only_products_and_numbers_give_numbers(kind: str) -> None:
    table = np.zeros(256 if kind == "table" else 0, np.uint8)
    stage = Stage(kind, 3, (1, 1, 4), (1, 1, 4), table=table, gives_numbers=True)
    with pytest.raises(ValueError, match="a stage must have bytes, unless it is a product"):
        ByteNetwork(12, PLAIN, [stage]).engine()


def test_averages_whose_sum_would_leave_32_bits() -> None:
    for length, is_allowed in ((2**23, True), (2**23 + 1, False)):
        axes = (1, 1, length)
        mean = Stage("average", 1, axes, kernel=axes)
        end = Stage("numbers", 1, factors=np.ones(1, "f4"))
        network = ByteNetwork(length, PLAIN, [mean, end])
        if is_allowed:
            x = np.full((1, length), 255, np.uint8)
            assert network.engine().predict(x, 1).tolist() == [[255.0]]
        else:
            with pytest.raises(ValueError, match="averages of at most 8,388,608"):
                network.engine()


def test_windows_that_claim_the_memory() -> None:
    half = (1, 1, 4096)
    pools = [Stage("largest", 1, half, half, kernel=half, before=(0, 0, 2048)) for _ in range(6)]
    end = Stage("numbers", 4096, factors=np.ones(1, "f4"))
    with pytest.raises(ValueError, match="of all stages must have at most 512 MiB"):
        ByteNetwork(4096, PLAIN, [*pools, end]).engine()
    one = (1, 1, 1)
    wide = Stage(
        "product", 1, one, one, (1, 2, 2), dilation=(1, 2**20, 2**18),
        weights=np.ones(4, np.int8), bias=np.zeros(1, np.int32), factors=np.ones(1, "f4"),
        gives_numbers=True,
    )  # fmt: skip
    with pytest.raises(ValueError, match="of all stages must have at most 512 MiB"):
        ByteNetwork(1, PLAIN, [wide]).engine()


def test_networks_that_do_not_fit() -> None:
    good = changed()
    for stages in ([], good.stages[:1], [good.stages[1], *good.stages]):
        with pytest.raises(ValueError, match="stage"):
            ByteNetwork(162, PLAIN, stages).engine()
    with pytest.raises(ValueError, match="byte kernels 'none'"):
        good.engine("none")
    with pytest.raises(ValueError, match="scaling"):
        ByteNetwork(162, PLAIN, good.stages, (np.zeros(3), np.ones(3))).engine()
    with pytest.raises(ValueError, match="columns"):
        good.engine().predict(np.zeros((2, 161), "f4"), 1)


ALLOWED = {
    "reference": {"reference"},
    "avx2": {"avx2", "avx_vnni"},
    "avx512": {"avx2", "avx_vnni", "avx512_vnni"},
}


@pytest.mark.parametrize("kernel_set", foxnn.kernel_sets())
def test_byte_kernels_follow_the_kernel_set(kernel_set: str, run_python: RunPython) -> None:
    done = run_python(
        "import foxnn; nn = foxnn.neural_network([3, 2], seed=1); "
        "print(nn.quantize([[0.0, 1.0, 2.0]])._engine.kernels)",
        FOXNN_FORCE_ISA=kernel_set,
    )
    allowed = ALLOWED.get(kernel_set, {"reference"})
    assert done.stdout.strip() == [name for name in SETS if name in allowed][-1]
