"""`export_html` without a browser: what it takes and refuses, and what is in the file."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn import GRU, Conv2D, Embedding
from foxnn.formats.html import export
from foxnn.formats.html.export import SCRIPTS
from foxnn.formats.html.layers import OPERATIONS, in_javascript
from foxnn.layers.activation_table import ACTIVATIONS, ALIASES, usual_name
from foxnn.layers.composition import COMPOSITES
from foxnn.layers.kinds import KINDS
from foxnn.support import web
from gallery_pages import PAGES, made_anew


def described(path: Path) -> dict[str, Any]:
    """Return the description in a page."""
    text = path.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="description">(.*?)</script>', text)
    assert found is not None
    return json.loads(found[1])


def weights(path: Path) -> np.ndarray:
    found = re.search(r'id="weights">(.*?)</script>', path.read_text(encoding="utf-8"))
    assert found is not None
    return np.frombuffer(base64.b64decode(found[1]), "<f4")


def net(*layers: Any, **options: Any) -> foxnn.neural_network:
    return foxnn.neural_network(list(layers), **{"seed": 1, **options})


def test_the_page_is_small_and_whole_beside_its_weights(tmp_path: Path) -> None:
    nn = net(784, 100, 10, output_activation="softmax")
    x = np.random.default_rng(0).normal(size=(500, 784))
    path = tmp_path / "digits.html"
    nn.export_html(path, x)
    stored = weights(path)
    wanted = [nn[0].weights, nn[0].bias, nn[1].weights, nn[1].bias]
    np.testing.assert_array_equal(stored, np.concatenate([w.reshape(-1) for w in wanted]))
    assert path.stat().st_size - len(base64.b64encode(stored.tobytes())) < 300_000
    text = path.read_text(encoding="utf-8")
    assert "{{" not in text
    assert "<title>digits</title>" in text
    # Nothing is to be loaded; SVG's name space is a name.
    others = set(re.findall(r"https?://[^\s\"'<]+", text)) - {"http://www.w3.org/2000/svg"}
    assert others == set()
    assert not re.search(r"(src|href)=(?!\"data:)", text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_pages_of_the_gallery_have_the_scripts_of_now(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert made_anew(page) == page, "python tests/gallery_pages.py puts them in place"


def test_pages_are_made_anew_as_they_are_exported(tmp_path: Path) -> None:
    nn = net(3, foxnn.Residual(foxnn.Dense(3, "gelu")), foxnn.Dense(2, ("elu", 0.5)), 2)
    nn.export_html(tmp_path / "net.html", title="a < b")
    page = (tmp_path / "net.html").read_text(encoding="utf-8")
    assert made_anew(page) == page
    other = page.replace("const percent", "const per_cent")
    assert other != page
    assert made_anew(other) == page


def test_titles_name_activations_as_other_libraries(tmp_path: Path) -> None:
    nn = net(2, foxnn.Dense(3, "tanh"), foxnn.Residual(foxnn.Dense(3, "linear")), 1)
    nn.export_html(tmp_path / "net.html")
    first, composite, _ = described(tmp_path / "net.html")["layers"]
    assert first["title"] == "Dense(3, activation='tanh')"
    assert composite["branches"][0][0]["title"] == "Dense(3, activation='identity')"
    assert first["options"]["activation"] == "tan_h"
    for name in ACTIVATIONS:
        assert ALIASES.get(usual_name(name), usual_name(name)) == name


def test_every_kind_has_an_operation() -> None:
    assert set(OPERATIONS) == {*KINDS, *COMPOSITES}
    text = "".join(map(web.text_of, SCRIPTS))
    for operation in set(OPERATIONS.values()) - {"residual", "parallel"}:
        assert re.search(rf"^ *{operation}(,|: |\()", text, re.M), operation


def test_a_kind_without_an_operation_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {kind: name for kind, name in OPERATIONS.items() if kind != "layer_norm"}
    monkeypatch.setattr("foxnn.formats.html.export.OPERATIONS", held)
    nn = net(3, foxnn.Residual(foxnn.LayerNorm(name="n")), 2)
    with pytest.raises(
        ValueError, match=r"a page cannot hold layers\[0\].*\(LayerNorm 'n'\); save"
    ):
        nn.export_html(tmp_path / "net.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("levels", "labels", "captions"),
    [
        ([0.1, 0.5, 0.9], ["0: 10 %", "0: 50 %", "0: 90 %", "1: 10 %", "1: 50 %", "1: 90 %"],
         ["1, -2", "3, -4"]),
        ([0.025], ["0: 2.5 %", "1: 2.5 %"], ["1, -2", "3, -4"]),
    ],
)  # fmt: skip
def test_quantiles_have_their_names(
    levels: list[float], labels: list[str], captions: list[str], tmp_path: Path
) -> None:
    nn = net(3, 2 * len(levels), output_activation="identity", loss=("quantile", levels))
    path = tmp_path / "net.html"
    nn.export_html(path, (np.eye(3)[:2], [[1.0, -2.0], [3.0, -4.0]]))
    description = described(path)
    assert description["output"]["labels"] == labels
    assert description["output"]["quantiles"] == levels
    assert description["captions"] == captions


def test_means_and_variances_have_their_names(tmp_path: Path) -> None:
    path = tmp_path / "net.html"
    nn = net(3, 4, output_activation="identity", loss="gaussian_nll")
    nn.export_html(path, (np.eye(3)[:2], [[1.0, -2.0], [3.0, -4.0]]))
    description = described(path)
    assert description["output"]["labels"] == [
        "0: mean", "1: mean", "0: log variance", "1: log variance",
    ]  # fmt: skip
    assert description["captions"] == ["1, -2", "3, -4"]
    nn = net(3, 2, output_activation="identity", loss="gaussian_nll")
    nn.export_html(path)
    assert described(path)["output"]["labels"] == ["mean", "log variance"]


def test_networks_that_no_browser_opens_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # base64 has four characters for three bytes, and V8's texts have at most 2**29 - 24.
    most = "foxnn.formats.html.export._MOST_NUMBERS"
    longest, most_numbers = 2**29 - 24, export._MOST_NUMBERS
    assert 4 * -(-4 * most_numbers // 3) <= longest < 4 * -(-4 * (most_numbers + 1) // 3)
    monkeypatch.setattr(most, 14)
    with pytest.raises(ValueError, match="a network of 16 numbers: browsers open one of"):
        net(3, 3, 1).export_html(tmp_path / "net.html")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(most, 16)
    net(3, 3, 1).export_html(tmp_path / "net.html")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("net", "name_file must end in .html, got 'net'"),
        ("net.txt", "name_file must end in .html, got 'net.txt'"),
        ("net.html.gz", "name_file must end in .html"),
        ("", "name_file must end in .html"),
    ],
)
def test_other_endings_are_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        net(2, 1).export_html(name)


def test_places_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        net(2, 1).export_html(tmp_path / "nowhere" / "net.html")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(IsADirectoryError):
        net(2, 1).export_html(tmp_path / "folder.html")


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.ones((4, 3)), r"samples must have shape \(samples, 2\), got \(4, 3\)"),
        (np.ones(2), "samples must"),
        (np.ones((0, 2)), "samples"),
        ([[1.0, np.nan]], "samples must"),
        (([[1.0, 2.0]], [[1.0], [2.0]]), r"samples\[1\]"),
        (([[1.0]], [[1.0]]), r"samples\[0\]"),
        ("samples", "samples"),
    ],
)
def test_samples_that_do_not_fit_are_refused(samples: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "net.html"
    path.write_text("older")
    with pytest.raises((ValueError, TypeError), match=message):
        net(2, 1).export_html(path, samples)
    assert path.read_text() == "older"


@pytest.mark.parametrize(
    ("layers", "picture", "message"),
    [
        ([6, 1], (2, 2), r"picture must be \(height, width\) or .* of 6 numbers, got \(2, 2\)"),
        ([6, 1], (6,), "picture must be"),
        ([6, 1], (1, 2, 3, 1), "picture must be"),
        ([6, 1], (-2, -3), "a length of picture must be an integer at least 1, got -2"),
        ([6, 1], "2x3", "picture must be .*, False or None, got '2x3'"),
        ([6, 1], True, "picture must be .*, False or None, got True"),
        ([(2, 3, 1), Conv2D(1, 2)], (2, 3), "picture must be None, since the inputs have shape"),
        ([(2, 3), GRU(2)], (2, 3), "picture must be None or False, since the inputs have shape"),
        ([(4,), Embedding(5, 2), 1], (2, 2), "picture must be None, since the inputs are indices"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(
    layers: list[Any], picture: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        net(*layers).export_html(tmp_path / "net.html", picture=picture)
    assert list(tmp_path.iterdir()) == []


def test_inputs_beyond_three_axes_of_positions_are_refused(tmp_path: Path) -> None:
    nn = net((2, 2, 2, 2, 2), foxnn.Dense(2))
    with pytest.raises(ValueError, match=r"a page cannot show inputs of shape \(2, 2, 2, 2, 2\)"):
        nn.export_html(tmp_path / "net.html")


@pytest.mark.parametrize(
    ("layers", "options", "form"),
    [
        ([784, 2], {}, "picture"),
        ([64, 2], {}, "picture"),
        ([64, 2], {"picture": False}, "table"),
        ([63, 2], {}, "table"),
        ([63, 2], {"picture": (7, 9)}, "picture"),
        ([63, 2], {"picture": [7, 3, 3]}, "picture"),
        ([49, 2], {}, "table"),
        ([(5, 5, 2), Conv2D(1, 2)], {}, "picture"),
        ([(28, 28), GRU(3)], {}, "picture"),
        ([(28, 28), GRU(3)], {"picture": False}, "steps"),
        ([(28, 3), GRU(3)], {}, "steps"),
        ([(None, 13), GRU(3)], {}, "picture"),
        ([(5,), Embedding(7, 3), 2], {}, "indices"),
    ],
)
def test_how_inputs_are_shown(
    layers: list[Any], options: dict[str, Any], form: str, tmp_path: Path
) -> None:
    path = tmp_path / "net.HTML"
    net(*layers).export_html(path, **options)
    assert described(path)["input"]["form"] == form


def test_what_is_drawn_is_centred_for_classes_of_whole_pictures(tmp_path: Path) -> None:
    path = tmp_path / "net.html"
    for layers, wanted in (
        ([784, 2], True),
        ([(28, 28), GRU(3), 2], True),
        ([(None, 28), GRU(3), 2], False),  # a sequence that has no middle
        ([(9, 9, 1), Conv2D(2, 3)], False),
    ):
        net(*layers, output_activation="softmax").export_html(path)
        assert described(path)["input"]["centre"] is wanted


def test_named_inputs_are_no_picture(tmp_path: Path) -> None:
    nn = net(64, 2)
    nn.input_names = [f"x{i}" for i in range(64)]
    nn.export_html(tmp_path / "net.html")
    own = described(tmp_path / "net.html")["input"]
    assert (own["form"], own["columns"][3]["name"]) == ("table", "x3")


def test_ranges_are_those_of_the_samples_or_of_the_scaler(tmp_path: Path) -> None:
    x = np.array([[1.0, 10.0, 0.0], [3.0, 40.0, 1.0], [8.0, 20.5, 1.0]])
    nn, path = net(3, 2), tmp_path / "net.html"
    nn.export_html(path, x)
    first, second, third = described(path)["input"]["columns"]
    assert (first["low"], first["high"], first["start"], first["whole"]) == (1, 8, 3, True)
    assert (second["low"], second["high"], second["whole"]) == (10, 40, False)
    assert third["choices"] == [0, 1]

    nn.input_scaler = foxnn.Scaler().fit(x)
    nn.export_html(path)
    for column, shift, scale in zip(
        described(path)["input"]["columns"], x.mean(axis=0), x.std(axis=0), strict=True
    ):
        ends = [column[name] for name in ("low", "start", "high")]
        np.testing.assert_allclose(ends, [shift - 2 * scale, shift, shift + 2 * scale])
    nn.input_scaler = foxnn.Scaler("minmax").fit(x)
    nn.export_html(path)
    column = described(path)["input"]["columns"][1]
    assert (column["low"], column["high"]) == (10, 40)


def test_columns_of_a_category_are_one_choice(tmp_path: Path) -> None:
    nn, path = net(4, 2), tmp_path / "net.html"
    nn.input_names = ["a=x", "a=y", "b", "a=z"]
    nn.export_html(path)
    columns = described(path)["input"]["columns"]
    assert [column.get("texts") for column in columns] == [["x", "y"], None, None]
    # Columns that are not 1 once and 0 otherwise are none.
    nn.export_html(path, [[1, 1, 0, 0]])
    assert len(described(path)["input"]["columns"]) == 4


def test_samples_are_spread_over_all_and_have_their_captions(tmp_path: Path) -> None:
    nn, path = net(2, 3, output_activation="softmax"), tmp_path / "net.html"
    nn.classes = ["low", "middle", "high"]
    x = np.column_stack([np.arange(1000), np.zeros(1000)])
    nn.export_html(path, (x, np.array(["low", "high"])[(np.arange(1000) >= 500).astype(int)]))
    own = described(path)
    assert len(own["samples"]["shapes"]) == 60
    assert own["captions"].count("low") == own["captions"].count("high") == 30
    numbers = np.frombuffer(base64.b64decode(own["samples"]["data"]), "<f4").reshape(-1, 2)
    assert (numbers[0, 0], numbers[-1, 0]) == (0, 999)


def test_samples_of_several_classes_are_captioned_with_all_of_them(tmp_path: Path) -> None:
    path = tmp_path / "net.html"
    nn = net(2, 3, output_activation="sigmoid", loss="binary_cross_entropy")
    nn.export_html(path, (np.zeros((3, 2)), [[0, 1, 1], [0, 0, 0], [1, 0, 0]]))
    assert described(path)["captions"] == ["1, 2", "none", "0"]


@pytest.mark.parametrize(
    ("values", "divisor"), [([0, 7, 255], 1), ([0.0, 7 / 255, 1.0], 255), ([0.5, 1, 2], None)]
)
def test_numbers_of_bytes_are_kept_as_bytes(
    values: list[float], divisor: int | None, tmp_path: Path
) -> None:
    nn, path = net(3, 2), tmp_path / "net.html"
    nn.export_html(path, np.array([values], np.float32))
    packed = described(path)["samples"]
    assert packed.get("divisor") == divisor
    assert len(base64.b64decode(packed["data"])) == (3 if divisor else 12)


def test_large_samples_leave_room_for_one(tmp_path: Path) -> None:
    nn, path = (
        net((200, 200, 3), Conv2D(1, 3, stride=9), foxnn.GlobalMaxPool()),
        tmp_path / "a.html",
    )
    nn.export_html(path, np.random.default_rng(0).integers(0, 256, (3, 200, 200, 3)).astype("u1"))
    own = described(path)
    assert len(own["samples"]["shapes"]) == 1
    assert own["test"]["samples"] == [0]


@pytest.mark.parametrize("shape", [(784,), (32, 32, 3), (None, 8)])
def test_pages_with_samples_are_small(shape: tuple[int | None, ...], tmp_path: Path) -> None:
    nn, path = net(shape, GRU(2) if shape[0] is None else foxnn.Dense(2)), tmp_path / "net.html"
    x = np.random.default_rng(0).normal(size=(100, *(n or 1000 for n in shape)))
    nn.export_html(path, x)
    assert described(path)["test"]["samples"]  # some of those that the page has anyway
    assert path.stat().st_size - len(base64.b64encode(weights(path).tobytes())) < 300_000


def test_sparse_samples_make_the_page_of_dense_ones(tmp_path: Path) -> None:
    scipy_sparse = pytest.importorskip("scipy.sparse")
    nn, x = net(9, 2), np.eye(100, 9, dtype=np.float32)
    nn.export_html(tmp_path / "a.html", x, title="same")
    nn.export_html(tmp_path / "b.html", scipy_sparse.csr_matrix(x), title="same")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_network_in_float64_is_rounded_and_one_beyond_float32_refused(tmp_path: Path) -> None:
    nn, path = net(2, 3, dtype="float64"), tmp_path / "net.html"
    nn.export_html(path)
    np.testing.assert_array_equal(weights(path)[:6], nn[0].weights.reshape(-1).astype("f4"))
    nn[0].bias = [1e300, 0, 0]
    with pytest.raises(ValueError, match="float32"):
        nn.export_html(path)


def test_the_network_is_as_it_was(tmp_path: Path) -> None:
    nn = net(4, 3, 2)
    nn.fit(np.ones((5, 4)), np.zeros((5, 2)), epochs=1)
    before = nn.__getstate__()
    nn.export_html(tmp_path / "net.html", np.ones((5, 4)))
    assert repr(nn.__getstate__()) == repr(before)


def test_outputs_that_are_never_finite_are_refused(tmp_path: Path) -> None:
    nn = net(1, 1, activation="exp")
    nn[0].bias = [1000.0]
    with pytest.raises(ValueError, match="finite outputs for some of the samples"):
        nn.export_html(tmp_path / "net.html")


@pytest.mark.parametrize(
    ("c", "javascript"),
    [
        ("1 / (1 + exp_F(-z))", "1 / (1 + Math.exp(-z))"),
        ("z > 0 ? z : ALPHA * expm1_F(z)", "z > 0 ? z : alpha * Math.expm1(z)"),
        ("NUMBER(0.5) * z * erfc_F(-z * NUMBER(0.7))", "0.5 * z * erfc(-z * 0.7)"),
        ("log1p_F(exp_F(-fabs_F(z)))", "Math.log1p(Math.exp(-Math.abs(z)))"),
    ],
)
def test_formulas_of_c_become_javascript(c: str, javascript: str) -> None:
    assert in_javascript(c) == javascript


def test_what_stands_in_a_script_cannot_end_it() -> None:
    hostile = json.dumps({"name": "</script><!--<script>"})
    assert "<" not in web.in_script(hostile)
    assert json.loads(web.in_script(hostile)) == json.loads(hostile)
