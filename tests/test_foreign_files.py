"""Files of other programs: their endings are refused when writing, their bytes when reading."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn.__main__ import main
from foxnn.formats import foreign

X = np.linspace(-1, 1, 12).reshape(6, 2)
ENDINGS = sorted(ending for kind in foreign.KINDS.values() for ending in kind.endings)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def network(output: str = "identity") -> foxnn.neural_network:
    return foxnn.neural_network([2, 4, 3], "tanh", output, seed=1)


def refusal(use: Callable[[], Any], kind: type[Exception] = ValueError) -> str:
    with pytest.raises(kind) as caught:
        use()
    return str(caught.value)


# Writing


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("output", ["identity", "softmax"])
def test_endings_of_others_are_refused(ending: str, output: str) -> None:
    nn = network(output)
    for name in (f"net{ending}", f"net{ending.upper()}"):
        message = refusal(lambda name=name: nn.save(name))
        assert os.path.splitext(name)[1] + " is the ending of" in message
        for format in (".safetensors", ".onnx", ".txt"):
            assert format in message
    nn.settings.auto_save_name_file, nn.settings.auto_save_iteration = f"net{ending}", 1
    data = foxnn.train_data(X, np.zeros((6, 3)))
    before = nn.predict(X).tobytes()
    assert "auto_save_name_file must" in refusal(lambda: nn.train(data, 0.1, 2))
    assert nn.predict(X).tobytes() == before
    assert ".txt" in refusal(lambda: data.save(f"data{ending}"))
    assert os.listdir() == []


@pytest.mark.parametrize("name", ["net", "net.txt", "net.dat", "net.foxnn", "net.v2", "a.pt/net"])
def test_any_other_name_is_text(name: str) -> None:
    Path("a.pt").mkdir()
    network().save(name)
    assert Path(name).read_bytes().startswith(b"0\n")
    assert foxnn.neural_network(name).predict(X).tobytes() == network().predict(X).tobytes()


@pytest.mark.parametrize(
    ("ending", "meant"),
    [(".safetensor", ".safetensors"), (".safetensrs", ".safetensors"), (".onx", ".onnx")],
)
def test_misspelt_endings(ending: str, meant: str) -> None:
    assert f"did you mean {meant}?" in refusal(lambda: network().save(f"net{ending}"))


@pytest.mark.parametrize("line", ["train t.csv --target b --out {}", "convert net.txt {}"])
def test_the_command_line_refuses_them_before_it_works(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("t.csv").write_text("a,b\n" + "1,x\n2,y\n" * 5, encoding="utf-8")
    network().save("net.txt")
    assert main(line.format("net.h5").split()) == 1
    out, err = capsys.readouterr()
    assert "epochs" not in out
    assert ".h5 is the ending of an HDF5 file" in err
    assert ("--out must be" in err) == line.startswith("train")
    assert sorted(os.listdir()) == ["net.txt", "t.csv"]


# Reading


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"...")
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("net.txt"))
    return file.getvalue()


def arrays(save: Callable[..., Any]) -> bytes:
    file = io.BytesIO()
    save(file, np.zeros(3))
    return file.getvalue()


FILES = {
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(90), "model.export"),
    "Keras": (zipped("metadata.json", "config.json", "model.weights.h5"), "model.export"),
    "PyTorch": (zipped("archive/data.pkl", "archive/data/0"), "torch.onnx.export"),
    "PyTorch, before 1.6": (
        pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2), "torch.onnx.export",
    ),
    "Excel": (zipped("[Content_Types].xml", "xl/workbook.xml"), "no network"),
    "NumPy": (arrays(np.save), "numpy.load"),
    "NumPy arrays": (arrays(np.savez), "numpy.load"),
    "skops": (zipped("schema.json"), "skops.io.load"),
    "zip": (zipped("net.txt"), "unpack"),
    "zip archive": (zipped(), "unpack"),
    "GGUF": (b"GGUF\3\0\0\0" + bytes(20), "ONNX"),
    "TensorFlow": (b"\x1c\0\0\0TFL3" + bytes(20), "tf2onnx"),
    "gzip": (gzip.compress(b"0\n", mtime=0), "unpack"),
    "compressed": (bz2.compress(b"0\n"), "unpack"),
    "compressed data": (lzma.compress(b"0\n"), "unpack"),
    "compressed data; unpack": (zlib.compress(pickle.dumps([1.0] * 9), 3), "unpack"),
    "archive": (tarred(), "unpack"),
    "Parquet": (b"PAR1\x15\4" + bytes(20), "no network"),
    "web page": (b"\n<!DOCTYPE html>\n<html>", "download"),
    "XML": (b"<?xml version='1.0'?><PMML/>", "no network"),
    "JSON": (json.dumps({"class_name": "Sequential"}).encode(), "no network"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "UTF-16": ("0\n0\n".encode("utf-16"), "UTF-8"),
    "SQLite": (b"SQLite format 3\0" + bytes(20), "no network"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(20), "no network"),
}  # fmt: skip
FILES |= {
    f"pickle; {name} {protocol}": (pickle.dumps(thing, protocol), "pickle or joblib")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    for name, thing in {"arrays": {"w": np.ones(3)}, "list": [1.5, 2.5], "foxnn": network()}.items()
}


@pytest.mark.parametrize("what", FILES)
def test_files_of_others_are_recognised(what: str) -> None:
    data, remedy = FILES[what]
    for name in ("net", "net.txt", "net.safetensors", "net.onnx"):
        Path(name).write_bytes(data)
        _check_recognised(name, what, remedy)


def _check_recognised(name: str, what: str, remedy: str) -> None:
    message = refusal(lambda: foxnn.neural_network(name), foxnn.FileFormatError)
    assert what.split(";")[0].split(",")[0] in message
    assert remedy in message
    assert message.startswith(f"{name}: expected a network (.safetensors, .onnx or FoxNN's text)")
    message = refusal(lambda: foxnn.train_data(name), foxnn.FileFormatError)
    assert message.startswith(f"{name}: expected samples in FoxNN's text, got ")
    assert "network" not in message.partition("got ")[2].partition("; ")[2]
    x, y = X, np.zeros((6, 3))
    assert what.split(";")[0].split(",")[0] in refusal(lambda: foxnn.resume(name, x, y))


TABLES = {
    "Excel": (FILES["Excel"][0], "pandas.read_excel"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(90), "saved as CSV"),
    "Parquet": (FILES["Parquet"][0], "pandas.read_parquet"),
    "JSON": (b'[{"a": 1, "b": 2}]', "pandas.read_json"),
    "SQLite": (FILES["SQLite"][0], "pandas.read_sql"),
    "HDF5": (FILES["HDF5"][0], "h5py"),
    "gzip": (gzip.compress(b"a,b\n1,2\n", mtime=0), "python -m foxnn train"),
    "zip": (zipped("table.csv"), "unpack"),
    "NumPy": (FILES["NumPy"][0], "numpy.load"),
    "a picture": (FILES["picture"][0], "no samples"),
    "a network": (FILES["PyTorch"][0], "no samples"),
    "commas": (b"a,b\n1,2\n", "pandas.read_csv"),
    "semicolons, behind a blank line": ("\n\xe4;b\r\n1;2\n".encode(), "pandas.read_csv"),
    "bars": (b"1 | 2\n3 | 4\n", "pandas.read_csv"),
    "marked as UTF-8": ("\ufeffa,b\n1,2\n".encode(), "python -m foxnn train"),
}


@pytest.mark.parametrize("what", TABLES)
def test_tables_of_others_are_no_samples(what: str) -> None:
    data, remedy = TABLES[what]
    Path("some table").write_bytes(data)
    for read in (foxnn.train_data, lambda name: network().train_on_file(name, 0.1, 1)):
        message = refusal(lambda read=read: read("some table"), foxnn.FileFormatError)
        assert remedy in message
        assert ("expected the number of" in message) == ("read_csv" in message)
        if "read_csv" in message:
            assert "this is a table: python -m foxnn train 'some table' --target" in message


@pytest.mark.parametrize("data", [b"a,b\n1,2\n", b"1;2\n3;4\n"])
def test_a_table_is_no_network(data: bytes) -> None:
    Path("some table").write_bytes(data)
    for only_scale, first in ((False, "n_threads"), (True, "the number of layers")):
        message = refusal(
            lambda scale=only_scale: foxnn.neural_network("some table", only_scale=scale),
            foxnn.FileFormatError,
        )
        assert f"line 1: expected {first}" in message
        assert message.endswith(
            "; this is a table: python -m foxnn train 'some table' --target COLUMN trains on it"
        )
    Path("words").write_text("hello\n", encoding="utf-8")
    assert "table" not in refusal(lambda: foxnn.neural_network("words"), foxnn.FileFormatError)


def test_a_table_is_known_by_its_name_too() -> None:
    for name, is_table in (("t.csv", True), ("t.TSV", True), ("t.txt", False), ("t", False)):
        Path(name).write_bytes(b"length\twidth\n1\t2\n")
        message = refusal(lambda name=name: foxnn.train_data(name), foxnn.FileFormatError)
        assert "expected the number of samples, a whole number from 1" in message
        assert ("pandas.read_csv" in message) == is_table
    # Samples in FoxNN's text are read under any name; what is wrong later in it is no table.
    foxnn.train_data(X, X).save("data.txt")
    Path("data.txt").rename("data.csv")
    assert foxnn.train_data("data.csv").size() == 6
    Path("data.csv").write_bytes(b"1\n1\n1\n0.5\nx,y\n")
    assert "table" not in refusal(lambda: foxnn.train_data("data.csv")).partition("got")[2]


def test_a_zip_archive_is_what_its_name_says() -> None:
    for name, remedy in (("net.pt", "torch"), ("net.keras", "model.export"), ("net", "unpack")):
        Path(name).write_bytes(zipped("data"))
        assert remedy in refusal(lambda name=name: foxnn.neural_network(name))


@pytest.mark.parametrize("command", ["info net.pt", "convert net.pt net.txt", "predict net.pt -"])
def test_the_command_line_says_so_too(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("net.pt").write_bytes(FILES["PyTorch"][0])
    assert main(command.split()) == 1
    assert "got a file of PyTorch; in PyTorch, torch.onnx.export" in capsys.readouterr().err


@pytest.mark.parametrize("written", [".safetensors", ".onnx", ".txt"])
@pytest.mark.parametrize("read", [".safetensors", ".onnx", ".txt", ".pt", ".bin", ""])
def test_own_files_are_read_under_any_name(written: str, read: str) -> None:
    if written == ".onnx":
        pytest.importorskip("onnx")
    nn = network()
    nn.save(f"net{written}")
    Path(f"net{written}").rename(f"other{read}")
    assert foxnn.neural_network(f"other{read}").predict(X).tobytes() == nn.predict(X).tobytes()
    if written == ".txt":
        nn.save("net.txt", only_scale=True)
        Path("net.txt").rename(f"other{read}")
        assert foxnn.neural_network(f"other{read}", only_scale=True).sizes == nn.sizes


@pytest.mark.parametrize("producer", ["", "tf", "pytorch", "a long name of a program " * 5])
def test_models_of_any_producer_are_onnx(producer: str) -> None:
    onnx = pytest.importorskip("onnx")
    network().save("net.onnx")
    model = onnx.load("net.onnx")
    model.ClearField("producer_name")
    if producer:
        model.producer_name = producer
    Path("net.txt").write_bytes(model.SerializeToString())
    assert foxnn.neural_network("net.txt").sizes == [2, 4, 3]


def test_what_is_only_similar_is_not_taken_for_it() -> None:
    # A message of Core ML begins as one of ONNX, with a message where that has a name.
    for head in (b"\x08\x04\x12\x20\x0a\x10\x0a\x05input", b"x^2,y\n1,2\n", b"PAR1,b\n", b"BZh\n"):
        assert foreign.kind_of(head) is None
        Path("net.txt").write_bytes(head)
        assert "line 1: expected n_threads" in refusal(lambda: foxnn.neural_network("net.txt"))


def test_a_large_file_of_others_is_not_read() -> None:
    with open("data.npz", "wb") as file:
        file.write(FILES["NumPy arrays"][0])
        file.truncate(2**40)  # without blocks on the disk
    assert "numpy.load" in refusal(lambda: foxnn.train_data("data.npz"))
    assert "numpy.load" in refusal(lambda: foxnn.neural_network("data.npz"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("data", [FILES["gzip"][0], None])
def test_a_pipe_is_recognised_too(data: bytes | None) -> None:
    network().save("net.txt")
    os.mkfifo("pipe")
    content = data or Path("net.txt").read_bytes()
    writer = threading.Thread(target=Path("pipe").write_bytes, args=(content,))
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)  # so that the writer need not wait
    writer.start()
    writer.join()
    try:
        if data is None:
            assert foxnn.neural_network("pipe").sizes == [2, 4, 3]
        else:
            assert "gzip" in refusal(lambda: foxnn.neural_network("pipe"))
    finally:
        os.close(reader)
