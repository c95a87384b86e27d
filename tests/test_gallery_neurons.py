"""The examples of the gallery on one neuron, on chains and on small networks, in short."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("matplotlib")

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    """Return the example that a test names."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module(request.param)


class Told:
    """What an example printed."""

    def __init__(
        self, example: ModuleType, folder: Path, capsys: pytest.CaptureFixture[str], picture: str
    ) -> None:
        assert example.main(["--short", "--pictures", str(folder)]) == 0
        self.text = capsys.readouterr().out
        (drawn,) = folder.iterdir()
        assert drawn.name == f"{picture}.png"
        assert drawn.read_bytes().startswith(b"\x89PNG")
        assert 3_000 < drawn.stat().st_size < 100_000

    def line(self, name: str, after: str = "") -> str:
        """Return the rest of the first line that begins like this, after another one."""
        lines = self.text.split("article", 1)[1].splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith(after)) if after else 0
        return next(line for line in lines[start:] if line.startswith(name))[len(name) :]

    def numbers(self, name: str, after: str = "") -> list[float]:
        """Return the numbers of that line."""
        return [float(number) for number in re.findall(r"-?\d+\.?\d*", self.line(name, after))]


@pytest.mark.parametrize("example", ["five_linear_neurons"], indirect=True)
def test_five_linear_neurons(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Told(example, tmp_path, capsys, "five-linear-neurons")
    slope, intercept, least = told.numbers("least squares")
    for name in ("1-1 linear", "1-5-1 linear", "1-5-5-5-1 linear"):
        found = told.numbers(name)
        assert found[0] == pytest.approx(slope, abs=2e-3)
        assert found[1] == pytest.approx(intercept, abs=2e-3)
        assert least <= found[2] < least + 1e-3
        # Roundings of float32 in outputs of up to 8.
        assert found[3] < 1e-5
    error, bent = told.numbers("1-5-1 tanh")
    assert error < 0.3
    assert bent > 1


@pytest.mark.parametrize("example", ["five_linear_neurons"], indirect=True)
def test_the_line_is_that_of_the_layers(example: ModuleType) -> None:
    nn, _ = example.train("1-5-5-5-1 linear", 1)
    slope, intercept = example.as_one_line(nn)
    np.testing.assert_allclose(nn.predict(example.X), slope * example.X + intercept, atol=1e-5)
    assert example.bend(nn) < 1e-5
    assert example.bend(example.train("1-5-1 tanh", 20)[0]) > 0.1


@pytest.mark.parametrize("example", ["how_many"], indirect=True)
def test_how_many(example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(example, tmp_path, capsys, "how-many")
    rows = re.findall(r"^ +(\d+)((?: +\d+\.\d+){4})$", told.text, re.M)
    table = np.array([[float(value) for value in row.split()] for _, row in rows])
    assert [int(count) for count, _ in rows] == list(example.NEURONS)
    # More epochs help a neuron that has seen few, and nothing beats the noise by much.
    assert (table[:, 3] < table[:, 0]).all()
    assert table.min() > 0.8 * example.NOISE**2
    assert told.numbers("best")[0] == table.min()
    assert told.numbers("1 neuron, at the end")[0] == table[0, -1]


@pytest.mark.parametrize("example", ["chain"], indirect=True)
def test_a_chain(example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(example, tmp_path, capsys, "chain")
    for i in (1, 2, 3):
        row = f"dC/dw{i}, chain rule"
        (exact,) = told.numbers(row)
        # Four roundings or so; and the error of a difference, of order h^2 and of roundings / h.
        assert told.numbers("  trace, float32", row)[0] == pytest.approx(exact, rel=1e-6)
        by_step = told.numbers("  difference, float32, h = 0.01", row)[0]
        assert by_step == pytest.approx(exact, rel=1e-3)
        assert float(told.line("  trace, float64, off by", row).split()[-1]) < 1e-15
        off = told.line("  difference, float64, h = 0.00001, off by", row)
        assert float(off.split()[-1]) < 1e-9
    assert "δ^3 = (a^3 - y) ⊙ sigmoid'(z^3)" in told.text


@pytest.mark.parametrize("example", ["local_minimum"], indirect=True)
def test_a_local_minimum(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Told(example, tmp_path, capsys, "local-minimum")
    good, low = told.numbers("squared error: global minimum")
    bad, high = told.numbers("squared error: local minimum")
    assert low < high / 3
    assert told.numbers("  from 8")[-1] == pytest.approx(bad, abs=0.02)
    assert told.numbers("  from 10, momentum 0.9")[-1] == pytest.approx(bad, abs=0.02)
    assert told.numbers("  from -3")[-1] == pytest.approx(good, abs=0.02)
    ends = [told.numbers(f"  from {start}", "cross-entropy")[-1] for start in (8, -3)]
    assert told.numbers("cross-entropy: minima") == [1]
    assert ends[0] == pytest.approx(ends[1], abs=0.02)
    assert told.numbers("sin(w x): minima from -1 to 9")[-1] == 5
    assert 5 <= told.numbers("  20 starts that find w = 4")[-1] <= 80


@pytest.mark.parametrize("example", ["perceptron"], indirect=True)
def test_a_perceptron(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Told(example, tmp_path, capsys, "perceptron")
    assert told.line("10 · 1 - 15 · 1 + 20 · 0").split() == ["-5"]
    assert told.line("decision").split() == ["no"]
    assert told.numbers("sigmoid of it") == [0.0067]
    for gate in ("and", "or"):
        assert told.numbers("  best of its lines", gate)[0] == 4
    assert "in 20 rounds" in told.line("xor ")
    assert told.numbers("  best of its lines", "xor ")[0] < 4
    assert told.line("xor, by hand").split()[-4:] == ["0.0000,", "1.0000,", "1.0000,", "0.0000"]


@pytest.mark.parametrize("example", ["perceptron"], indirect=True)
def test_rosenblatts_rule(example: ModuleType) -> None:
    weights, bias, lines = np.zeros(2), 0.0, [(0.0, 0.0, 0.0)]
    for _ in range(5):
        for x, y in zip(example.X, example.GATES["and"], strict=True):
            mistake = y - int(x @ weights + bias > 0)
            weights, bias = weights + mistake * x, bias + mistake
            if mistake:
                lines.append((*weights.tolist(), bias))
    assert example.learn(example.GATES["and"], 5) == lines


@pytest.mark.parametrize("example", ["shop_prices"], indirect=True)
def test_shop_prices(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Told(example, tmp_path, capsys, "shop-prices")
    before = told.numbers("1-2-1, seed 1: before training")[-1]
    assert before == pytest.approx(example.ARTICLE_BEFORE, abs=0.05)
    assert told.numbers("  at the end")[-1] < example.ARTICLE_AFTER
    assert "0 of 3 starts" in told.line("1-1: within ±0.2")
    assert "3 of 3 starts" in told.line("1-2-1: within ±0.2")
    assert told.numbers("  asked, 2.32 %", "1-2-1: within")[0] > 0.9
    assert told.numbers("  not asked, -0.50 %", "1-2-1: within")[1] < 0.5


@pytest.mark.parametrize("example", ["output_ranges"], indirect=True)
def test_output_ranges(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Told(example, tmp_path, capsys, "output-ranges")
    ranges = {name: told.line(f"{name}: range").split()[-3:] for name in example.OUTPUTS}
    assert ranges["sigmoid"] == ["0", "to", "1"]
    assert ranges["tanh"] == ["-1", "to", "1"]
    assert float(ranges["linear"][0]) == -1e6

    def error(output: str, targets: str) -> float:
        return told.numbers(f"  targets from {targets}", f"{output}: range")[-1]

    assert max(error(name, "0.05 to 0.95") for name in example.OUTPUTS) < 0.1
    assert error("sigmoid", "-0.9 to 0.9") > 0.4
    assert error("tanh", "-0.9 to 0.9") < 0.15
    assert error("tanh", "3 to 7") > 4
    assert error("linear", "3 to 7") < 0.4
    assert told.numbers("sigmoid, 3 to 7 scaled by hand")[-1] < 0.4
