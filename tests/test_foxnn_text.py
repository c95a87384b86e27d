"""FoxNN's text files: what it recorded is reproduced, both ways, and nothing broken gets in."""

from __future__ import annotations

import contextlib
import errno
import json
import locale
import os
import re
import resource
import signal
import stat
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import foxnn
from foxnn import _core
from foxnn.formats import text as text_format

RECORDS = Path(__file__).parent / "data" / "foxnn"
FORWARD = json.loads((RECORDS / "forward.json").read_text())
RUNS = json.loads((RECORDS / "sgd.json").read_text())
NETWORK, DATA = (RECORDS / "net_08.txt").read_text(), (RECORDS / "data_03.txt").read_text()


def bits(nn: foxnn.neural_network) -> list[bytes]:
    return [array.tobytes() for part in nn for array in (part.weights, part.bias)]


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# What FoxNN recorded


@pytest.mark.parametrize("record", FORWARD, ids=lambda record: record["file"])
def test_recorded_outputs(record: dict[str, Any]) -> None:
    nn = foxnn.neural_network(RECORDS / record["file"], dtype="float64")
    names = [a if isinstance(a, str) else a[0] for a in record["activations"]]
    assert nn.sizes == record["sizes"]
    assert [part.get_name_activation_function() for part in nn] == names
    np.testing.assert_allclose(nn.get_out(record["inputs"]), record["outputs"], rtol=1e-12, atol=0)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run["before"])
def test_recorded_runs(run: dict[str, Any]) -> None:
    nn = foxnn.neural_network(RECORDS / run["before"], dtype="float64")
    nn.settings.set_mode("SGD")
    nn.settings.set_part_for_test(0)
    data = str(RECORDS / run["data"])
    nn.train_on_file(data, run["speed"], run["max_iteration"], run["size_train_batch"])
    after = foxnn.neural_network(RECORDS / run["after"], dtype="float64")
    for part, wanted in zip(nn, after, strict=True):
        np.testing.assert_allclose(part.weights, wanted.weights, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(part.bias, wanted.bias, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(nn.get_out(run["inputs"]), run["outputs_after"], rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", sorted(path.name for path in RECORDS.glob("*.txt")))
def test_a_file_of_the_original_comes_back_line_by_line(name: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.txt"
    if name.startswith("data"):
        foxnn.train_data(RECORDS / name).save(copy)
    else:
        foxnn.neural_network(RECORDS / name, dtype="float64").save(copy)
    old, new = (path.read_text().splitlines() for path in (RECORDS / name, copy))
    assert len(old) == len(new)
    for a, b in zip(old, new, strict=True):
        assert a == b or float(a) == float(b), (a, b)


def test_settings_of_a_file_are_the_networks(tmp_path: Path) -> None:
    nn = foxnn.neural_network([3, 5, 2], ("elu", 0.25), "relu", dtype="float64", seed=1)
    nn.settings.n_threads, nn.settings.n_print, nn.settings.min_error = 3, 17, 0.1
    nn.settings.max_on_last_layer = nn.settings.one_if_value_greater_intermediate_value = True
    nn.settings.intermediate_value, nn.settings.part_for_test = 1 / 3, 0.2
    nn.settings.auto_save_name_file, nn.settings.auto_save_iteration = "other.txt", 5
    nn.settings.settings_optimization.adam.betta_1 = 0.8
    nn.settings.settings_optimization.adam.betta_2 = 0.99
    nn.settings.settings_optimization.adam.epsilon = 1e-6
    nn.settings.settings_optimization.adam.step_to_zero_after_n = 9
    nn.settings.settings_optimization.nesterov.gamma = 0.7
    nn.settings.correct_summation = True
    nn.settings.set_mode("Nesterov")
    nn.save(tmp_path / "net.txt")
    back = foxnn.neural_network(tmp_path / "net.txt", dtype="float64", seed=2)
    assert repr(back.settings) == repr(nn.settings)
    assert [part.activation_parameters for part in back] == [[0.25], []]
    assert bits(back) == bits(nn)


# Numbers


FLOATS = {
    "float32": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "float64": st.floats(allow_nan=False, allow_infinity=False),
}


@pytest.mark.parametrize("dtype", FLOATS)
@settings(max_examples=50, deadline=None)
@given(st.data())
def test_every_number_reads_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, dtype: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("numbers")
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=5))
    x = data.draw(hnp.arrays(dtype, shape, elements=FLOATS[dtype]))
    nn = foxnn.neural_network([shape[0], shape[1]], dtype=dtype)
    nn[0].weights, nn[0].bias = x, x[0]
    nn.save(folder / "net.txt")
    assert bits(foxnn.neural_network(folder / "net.txt", dtype=dtype)) == bits(nn)
    foxnn.train_data(x, x[:, :1]).save(folder / "data.txt")
    back = foxnn.train_data(folder / "data.txt")
    for i, row in enumerate(x):
        assert back.get(i).input.dtype == dtype
        assert back.get(i).input.tobytes() == row.tobytes()
        assert back.get(i).out.tobytes() == row[:1].tobytes()


def test_digits(tmp_path: Path) -> None:
    for dtype, digits in (("float32", 8), ("float64", 16)):
        nn = foxnn.neural_network([3, 2], dtype=dtype, seed=1)
        nn.save(tmp_path / "net.txt", only_scale=True)
        lines = (tmp_path / "net.txt").read_text().splitlines()
        weights = lines[3:7]
        assert all(re.fullmatch(rf"-?\d\.\d{{{digits}}}e[+-]\d\d", line) for line in weights)


def test_types_side_by_side(tmp_path: Path) -> None:
    x, y = np.arange(12, dtype=np.uint8).reshape(4, 3), np.full((4, 1), 1 / 3)
    foxnn.train_data(x, y).save(tmp_path / "data.txt")
    sample = foxnn.train_data(tmp_path / "data.txt").get(3)
    assert (sample.input.dtype, sample.input.tolist()) == (np.dtype("float32"), [9, 10, 11])
    assert (sample.out.dtype, sample.out.tolist()) == (np.dtype("float64"), [1 / 3])


def test_numbers_as_others_write_them(tmp_path: Path) -> None:
    text = "2 2\r\n1\n\n+1\t-2.5E+00  3e0\n0.1 1e-400 -7\n"
    data = foxnn.train_data(written(tmp_path / "data.txt", text))
    assert [data.get(i).input.tolist() for i in range(2)] == [[1.0, -2.5], [0.1, 0.0]]
    assert [data.get(i).out.tolist() for i in range(2)] == [[3.0], [-7.0]]


def test_numbers_of_many_calls_of_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.random.default_rng(0).normal(size=(37, 5))
    monkeypatch.setattr(text_format, "_AT_ONCE", 17)
    foxnn.train_data(x, x).save(tmp_path / "data.txt")
    back = foxnn.train_data(tmp_path / "data.txt")
    assert np.array([back.get(i).input for i in range(37)]).tobytes() == x.tobytes()


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("-1e-400", -0.0),
        ("0." + "0" * 400 + "1", 0.0),
        ("1" + "0" * 100 + "e-500", 0.0),
        ("0.001e-99999999999999999999", 0.0),
        ("1" * 400 + "e-3", None),
        ("1e99999999999999999999", None),
        ("0." + "0" * 5 + "1e999", None),
    ],
)
def test_numbers_that_no_double_can_hold(word: str, value: float | None, tmp_path: Path) -> None:
    path = written(tmp_path / "data.txt", f"1 1 1 {word} 2")
    if value is None:
        with pytest.raises(foxnn.FileFormatError, match="a finite number"):
            foxnn.train_data(path)
    else:
        assert foxnn.train_data(path).get(0).input.tobytes() == np.float64(value).tobytes()


def test_numbers_of_nine_digits_that_are_no_float32_stay_as_they_are(tmp_path: Path) -> None:
    for word in ("1.23456789e-01", "1.00000000e-300", "1.00000000e+300"):
        data = foxnn.train_data(written(tmp_path / "data.txt", f"1 1 1 {word} {word}"))
        assert data.get(0).input.tolist() == [float(word)]


def test_a_float32_file_in_float64(tmp_path: Path) -> None:
    nn = foxnn.neural_network([3, 4, 2], seed=1)
    nn.save(tmp_path / "net.txt")
    back = foxnn.neural_network(tmp_path / "net.txt", dtype="float64")
    for part, old in zip(back, nn, strict=True):
        assert part.weights.tobytes() == old.weights.astype(np.float64).tobytes()
        assert part.bias.tobytes() == old.bias.astype(np.float64).tobytes()


def test_whatever_the_locale(tmp_path: Path) -> None:
    before = locale.setlocale(locale.LC_ALL)
    for name in ("de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "ru_RU.UTF-8"):
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
        try:
            test_a_file_of_the_original_comes_back_line_by_line("net_08.txt", tmp_path)
        finally:
            locale.setlocale(locale.LC_ALL, before)
        return
    pytest.skip("no locale with a decimal comma is installed")


def test_a_float64_file_in_float32(tmp_path: Path) -> None:
    nn = foxnn.neural_network([3, 2], dtype="float64", seed=1)
    nn.save(tmp_path / "net.txt")
    back = foxnn.neural_network(tmp_path / "net.txt")
    assert back.dtype == "float32"
    assert back[0].weights.tobytes() == nn[0].weights.astype(np.float32).tobytes()
    nn[0].weights = np.full((3, 2), 1e300)
    nn.save(tmp_path / "net.txt")
    with pytest.raises(ValueError, match=r"net\.txt, layer 0: .*finite in float32"):
        foxnn.neural_network(tmp_path / "net.txt")


def test_the_engine_refuses_tables_that_do_not_hold_the_rows() -> None:
    table = np.zeros((2, 3))
    for start, rows, out, first in (
        (7, 1, table, 0),
        (-1, 1, table, 0),
        (0, 3, table, 0),
        (0, 1, table, 2),
        (0, 1, table, -1),
        (0, 1, table.T, 0),
        (0, -1, table, 0),
        (0, 1, table, 2**63 - 1),
        (0, 1, table.astype(np.float32), 0),
    ):
        with pytest.raises(ValueError, match="must be"):
            _core.read_table(b"1 2 3", start, rows, [out], first)
    for first, last in ((0, 3), (-1, 1), (2, 1)):
        with pytest.raises(ValueError, match="must be"):
            _core.rows_as_text([table], first, last)


# Weights alone


def test_weights_alone(tmp_path: Path) -> None:
    nn = foxnn.neural_network([2, 1], "tanh", dtype="float64", seed=1)
    nn[0].weights, nn[0].bias = [[0.5], [-2.0]], [3.0]
    path = str(tmp_path / "weights.txt")
    nn.save(path, True)
    lines = Path(path).read_text().splitlines()
    assert [float(line) for line in lines] == [1, 1, 3, 0.5, -2, -3]
    for back in (
        foxnn.neural_network(path, only_scale=True, dtype="float64"),
        foxnn.neural_network(path, True, dtype="float64"),
    ):
        assert bits(back) == bits(nn)
        assert back[0].get_name_activation_function() == "sigmoid"
        assert repr(back.settings) == repr(foxnn.neural_network([1, 1]).settings)
    with pytest.raises(foxnn.FileFormatError):
        foxnn.neural_network(path)
    with pytest.raises(ValueError, match="only_scale"):
        foxnn.neural_network([2, 1], only_scale=True)
    with pytest.raises(ValueError, match="only_scale"):
        foxnn.neural_network(path, False, only_scale=True)


# What FoxNN cannot hold


@pytest.mark.parametrize("name", ["gelu", "selu", "leaky_relu", "softmax"])
def test_new_activations_are_refused(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / "net.txt", "older")
    nn = foxnn.neural_network([3, 4, 2], output_activation=name)
    with pytest.raises(ValueError, match=rf"{name}.*layer 1.*sigmoid.*safetensors"):
        nn.save(path)
    assert path.read_text() == "older"
    nn.settings.auto_save_iteration = 1
    nn.settings.auto_save_name_file = str(path)
    before = bits(nn)
    with pytest.raises(ValueError, match=name):
        nn.train(foxnn.train_data(np.ones((2, 3)), np.ones((2, 2))), 0.1, 3)
    assert bits(nn) == before


@pytest.mark.parametrize("name", ["", "two words.txt", "a" * 4096])
def test_a_name_that_is_no_word_is_refused(name: str, tmp_path: Path) -> None:
    nn = foxnn.neural_network([3, 2])
    nn.settings.auto_save_name_file = name
    with pytest.raises(ValueError, match="auto_save_name_file"):
        nn.save(tmp_path / "net.txt")
    assert list(tmp_path.iterdir()) == []


def test_a_c_header_is_no_file_of_a_network(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="export_c"):
        foxnn.neural_network([3, 2]).save(tmp_path / "net.h")
    with pytest.raises(ValueError, match="export_c"):
        foxnn.neural_network("net.H")
    with pytest.raises(ValueError, match=r"\.txt"):
        foxnn.train_data([[1]], [[2]]).save(tmp_path / "data.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "argument", [{"activation": "tanh"}, {"output_activation": "relu"}, {"init": "zeros"}]
)
def test_what_the_file_says_is_no_argument(argument: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(argument))):
        foxnn.neural_network(RECORDS / "net_00.txt", **argument)


@pytest.mark.parametrize("name", [b"net.txt", 3.5, None])
def test_names_of_files_are_strings_or_paths(name: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="name_file"):
        foxnn.neural_network([3, 2]).save(name)
    with pytest.raises(TypeError):
        foxnn.neural_network(name)
    with pytest.raises(TypeError, match="y"):
        foxnn.train_data(tmp_path / "data.txt", [[1]])


def test_a_word_of_any_bytes_comes_back(tmp_path: Path) -> None:
    nn = foxnn.neural_network([3, 2])
    for name in ("\u0436.txt", "no\u00a0break.txt", os.fsdecode(b"a\xff.txt"), "a" * 4095):
        nn.settings.auto_save_name_file = name
        nn.save(tmp_path / "net.txt")
        back = foxnn.neural_network(tmp_path / "net.txt")
        assert back.settings.auto_save_name_file == name


def test_numbers_that_have_become_infinite_are_not_saved(tmp_path: Path) -> None:
    x = np.ones((2, 3))
    data = foxnn.train_data(x, x)
    data.save(tmp_path / "data.txt")
    before = (tmp_path / "data.txt").read_text()
    x[1, 1] = np.nan
    with pytest.raises(ValueError, match="finite"):
        data.save(tmp_path / "data.txt")
    assert (tmp_path / "data.txt").read_text() == before


def test_no_samples_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no samples"):
        foxnn.train_data().save(tmp_path / "data.txt")
    assert list(tmp_path.iterdir()) == []


# Broken files


Load = Callable[[Path], object]
LOADERS: dict[str, tuple[str, Load]] = {
    "network": (NETWORK, foxnn.neural_network),
    "data": (DATA, foxnn.train_data),
}
per_loader = pytest.mark.parametrize("kind", LOADERS)
# The line of auto_save_name_file: any word is one.
FREE = {"network": {7}, "data": set[int]()}


@per_loader
def test_cut_off_at_every_line(kind: str, tmp_path: Path) -> None:
    text, load = LOADERS[kind]
    lines = text.splitlines(keepends=True)
    load(written(tmp_path / "whole.txt", text))
    for count in range(len(lines)):
        path = written(tmp_path / "cut.txt", "".join(lines[:count]))
        with pytest.raises(foxnn.FileFormatError, match=r"cut\.txt, line \d+: expected .*end"):
            load(path)


@per_loader
@pytest.mark.parametrize("word", ["word", "nan", "inf", "-inf", "1e999", "0x10", "1,5", "1.5.2"])
def test_a_word_that_does_not_belong(kind: str, word: str, tmp_path: Path) -> None:
    text, load = LOADERS[kind]
    lines = text.splitlines()
    for i in set(range(len(lines))) - FREE[kind]:
        broken = "\n".join([*lines[:i], word, *lines[i + 1 :]])
        path = written(tmp_path / "broken.txt", broken)
        expected = rf"broken\.txt, line {i + 1}: expected .*got '{re.escape(word)}'"
        with pytest.raises(foxnn.FileFormatError, match=expected):
            load(path)


def counts(kind: str) -> list[int]:
    """Return the lines that hold counts."""
    lines = LOADERS[kind][0].splitlines()
    settings_lines = 16 if kind == "network" else 0
    return [i for i, line in enumerate(lines) if i >= settings_lines and line.isdigit()]


@per_loader
@pytest.mark.parametrize("count", [-1, 0, 10**6, 2**31 - 1, 2**31, 10**18, 10**40])
def test_counts_that_do_not_fit(kind: str, count: int, tmp_path: Path) -> None:
    text, load = LOADERS[kind]
    lines = text.splitlines()
    for i in counts(kind):
        if lines[i] == str(count):  # sigmoid has no parameters
            continue
        broken = "\n".join([*lines[:i], str(count), *lines[i + 1 :]])
        path = written(tmp_path / "broken.txt", broken)
        tracemalloc.start()
        with pytest.raises(foxnn.FileFormatError, match=r"broken\.txt, line \d+: expected"):
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
        tracemalloc.stop()


@per_loader
def test_counts_off_by_one(kind: str, tmp_path: Path) -> None:
    text, load = LOADERS[kind]
    lines = text.splitlines()
    for i in counts(kind):
        for count in {int(lines[i]) - 1, int(lines[i]) + 1} - {-1}:
            broken = "\n".join([*lines[:i], str(count), *lines[i + 1 :]])
            with pytest.raises(foxnn.FileFormatError):
                load(written(tmp_path / "broken.txt", broken))


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (2, "0.0"),  # min_error
        (3, "2"),  # max_on_last_layer
        (6, "1.0"),  # part_for_test
        (6, "-0.1"),
        (10, "1.0"),  # betta_1
        (12, "0.0"),  # epsilon
        (14, "1.0"),  # gamma
        (15, "adamw"),  # mode
        (17, "softmax"),
        (17, "gelu"),
    ],
)
def test_values_that_are_not_allowed(line: int, value: str, tmp_path: Path) -> None:
    lines = NETWORK.splitlines()
    lines[line] = value
    path = written(tmp_path / "broken.txt", "\n".join(lines))
    with pytest.raises(foxnn.FileFormatError, match=rf"line {line + 1}: expected .*got '{value}'"):
        foxnn.neural_network(path)


@per_loader
@pytest.mark.parametrize("rubbish", ["1", "word", "\0"])
def test_trailing_rubbish(kind: str, rubbish: str, tmp_path: Path) -> None:
    text, load = LOADERS[kind]
    with pytest.raises(foxnn.FileFormatError, match=r"expected the end of the file"):
        load(written(tmp_path / "long.txt", text + rubbish))
    load(written(tmp_path / "long.txt", text + " \n\t\n"))


@per_loader
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_noise(tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject) -> None:
    text, load = LOADERS[kind]
    noise = data.draw(st.binary(max_size=200))
    at = data.draw(st.integers(0, len(text)))
    path = tmp_path_factory.mktemp("noise") / "noise.txt"
    with pytest.raises(foxnn.FileFormatError):
        load(written(path, noise))
    # In between, noise may happen to be digits or white space.
    with contextlib.suppress(foxnn.FileFormatError):
        load(written(path, text[:at].encode() + noise + text[at:].encode()))


def test_words_without_an_end(tmp_path: Path) -> None:
    lines = NETWORK.splitlines()
    for line, word in ((2, "0" * 4100), (7, "a" * 5000), (17, "x" * 100_000)):
        broken = "\n".join([*lines[:line], word, *lines[line + 1 :]])
        with pytest.raises(foxnn.FileFormatError, match=f"line {line + 1}"):
            foxnn.neural_network(written(tmp_path / "broken.txt", broken))


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there is no /dev/zero")
@per_loader
def test_a_device_is_no_file(kind: str) -> None:
    with pytest.raises(foxnn.FileFormatError, match="device"):
        LOADERS[kind][1](Path("/dev/zero"))


@per_loader
def test_files_that_are_not_there(kind: str, tmp_path: Path) -> None:
    load = LOADERS[kind][1]
    with pytest.raises(FileNotFoundError, match=r"absent\.txt"):
        load(tmp_path / "absent.txt")
    with pytest.raises(OSError, match=re.escape(tmp_path.name)):
        load(tmp_path)
    with pytest.raises(foxnn.FileFormatError, match=r"empty\.txt, line 1"):
        load(written(tmp_path / "empty.txt", ""))


# A file is whole or it is not there


SAVERS: dict[str, Callable[[Any], None]] = {
    "network": lambda path: foxnn.neural_network([30, 40, 20], seed=1).save(path),
    "data": lambda path: foxnn.train_data(np.ones((100, 5)), np.ones((100, 2))).save(path),
}
per_saver = pytest.mark.parametrize("kind", SAVERS)


@per_saver
def test_a_folder_that_is_not_there(kind: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no_folder/net\.txt"):
        SAVERS[kind](tmp_path / "no_folder" / "net.txt")
    with pytest.raises(OSError, match=r"file/net\.txt"):
        SAVERS[kind](written(tmp_path / "file", "") / "net.txt")
    with pytest.raises(OSError, match=re.escape(tmp_path.name)):
        SAVERS[kind](tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@per_saver
def test_a_folder_that_cannot_be_written_to(kind: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match=r"net\.txt"):
        SAVERS[kind](tmp_path / "net.txt")


@per_saver
def test_a_full_disk(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path / "net.txt", "older")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"net\.txt") as caught:
            SAVERS[kind](path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.errno == errno.EFBIG
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@per_saver
def test_a_device_stays_a_device(kind: str) -> None:
    with pytest.raises(OSError, match=r"[Nn]o space"):
        SAVERS[kind]("/dev/full")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="there is no /dev/stdout")
def test_a_pipe_is_written_to(run_python: Callable[..., Any]) -> None:
    code = "import foxnn; foxnn.neural_network([2, 1]).save('/dev/stdout', True)"
    assert len(run_python(code).stdout.splitlines()) == 6


@per_saver
def test_names_that_no_file_can_have(kind: str, tmp_path: Path) -> None:
    loop = tmp_path / "loop.txt"
    loop.symlink_to(loop)
    with pytest.raises(OSError, match=r"loop\.txt"):
        SAVERS[kind](loop)
    assert loop.is_symlink()
    with pytest.raises(IsADirectoryError, match="new/"):
        SAVERS[kind](f"{tmp_path}/new/")
    assert list(tmp_path.iterdir()) == [loop]


@per_saver
def test_names_of_any_length_and_letters(kind: str, tmp_path: Path) -> None:
    path = tmp_path / ("\u0436" * 120 + ".txt")
    SAVERS[kind](path)
    assert list(tmp_path.iterdir()) == [path]


@per_saver
def test_an_interrupted_write(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "net.txt", "older")

    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(_core, "rows_as_text", interrupted)
    with pytest.raises(KeyboardInterrupt):
        SAVERS[kind](path)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


@per_saver
def test_links_and_rights_stay(kind: str, tmp_path: Path) -> None:
    target, link = written(tmp_path / "target.txt", "older"), tmp_path / "link.txt"
    target.chmod(0o640)
    link.symlink_to(target)
    SAVERS[kind](link)
    assert link.is_symlink()
    assert target.read_text() != "older"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


# Saving while training


def samples() -> foxnn.train_data:
    rng = np.random.default_rng(1)
    return foxnn.train_data(rng.normal(size=(20, 3)), rng.random((20, 2)))


def test_auto_save(tmp_path: Path) -> None:
    nn, same = (foxnn.neural_network([3, 5, 2], seed=1) for _ in range(2))
    nn.settings.auto_save_name_file = str(tmp_path / "auto.txt")
    nn.settings.auto_save_iteration = 5
    nn.train(samples(), 0.1, 4, 3)
    assert list(tmp_path.iterdir()) == []
    nn = foxnn.neural_network([3, 5, 2], seed=1)
    nn.settings.auto_save_name_file = str(tmp_path / "auto.txt")
    nn.settings.auto_save_iteration = 5
    nn.train(samples(), 0.1, 12, 3)
    same.train(samples(), 0.1, 10, 3)
    assert bits(foxnn.neural_network(tmp_path / "auto.txt")) == bits(same)
    same = foxnn.neural_network([3, 5, 2], seed=1)
    same.train(samples(), 0.1, 12, 3)
    assert bits(nn) == bits(same)


def test_auto_save_beside_printing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nn = foxnn.neural_network([3, 5, 2], seed=1)
    nn.settings.auto_save_name_file = str(tmp_path / "auto.txt")
    nn.settings.auto_save_iteration, nn.settings.n_print = 4, 6
    nn.train(samples(), 0.1, 15, 3)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines] == ["6/15", "12/15", "15/15"]
    same = foxnn.neural_network([3, 5, 2], seed=1)
    same.train(samples(), 0.1, 12, 3)
    assert bits(foxnn.neural_network(tmp_path / "auto.txt")) == bits(same)


def test_auto_save_that_fails_is_an_error(tmp_path: Path) -> None:
    nn = foxnn.neural_network([3, 5, 2], seed=1)
    nn.settings.auto_save_name_file = str(tmp_path / "no_folder" / "auto.txt")
    nn.settings.auto_save_iteration = 2
    before = bits(nn)
    with pytest.raises(FileNotFoundError, match="no_folder"):
        nn.train(samples(), 0.1, 5, 3)
    nn.settings.auto_save_name_file = str(tmp_path)
    with pytest.raises(IsADirectoryError):
        nn.train(samples(), 0.1, 5, 3)
    nn.settings.auto_save_name_file = "net.h"
    with pytest.raises(ValueError, match="auto_save_name_file"):
        nn.train(samples(), 0.1, 5, 3)
    assert bits(nn) == before
    nn.settings.auto_save_iteration = 0
    nn.train(samples(), 0.1, 5, 3)


def test_a_network_in_the_middle_of_a_step_is_not_saved(tmp_path: Path) -> None:
    nn = foxnn.neural_network([400, 400], "identity", init="zeros")
    data = foxnn.train_data(np.ones((2000, 400)), np.ones((2000, 400)))
    stop = threading.Event()

    def train() -> None:
        while not stop.is_set():
            nn.train(data, 1e-9, 20, 0)

    thread = threading.Thread(target=train)
    thread.start()
    refused = saved = 0
    end = time.monotonic() + 20
    try:
        while time.monotonic() < end and refused < 3:
            try:
                nn.save(tmp_path / "net.txt", only_scale=True)
                saved += 1
            except RuntimeError:
                refused += 1
    finally:
        stop.set()
        thread.join()
    assert refused
    if saved:  # between two calls of train
        weights = foxnn.neural_network(tmp_path / "net.txt", only_scale=True)[0].weights
        assert np.ptp(weights) == 0


def test_train_on_file_is_train(tmp_path: Path) -> None:
    data = samples()
    data.save(tmp_path / "data.txt")
    nn, same = (foxnn.neural_network([3, 5, 2], seed=1) for _ in range(2))
    nn.train_on_file(str(tmp_path / "data.txt"), 0.1, 7, 3)
    same.train(data, 0.1, 7, 3)
    assert bits(nn) == bits(same)
