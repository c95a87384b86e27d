"""What README and wiki show, run: every Python block works, and every link leads somewhere."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from foxnn.layers.kinds import CLASSES

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("wiki/**/*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_python_blocks_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    names: dict[str, object] = {}
    for i, block in enumerate(blocks):
        exec(compile(block, f"{page.name}, Python block {i + 1}", "exec"), names)
    capsys.readouterr()


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def section(page: str, title: str) -> str:
    text = (ROOT / "wiki" / page).read_text(encoding="utf-8")
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_kind_of_layer_has_a_formula_a_picture_and_a_price() -> None:
    formulas, prices = (
        section("Layers.md", title) for title in ("Formulas and pictures", "What they cost")
    )
    for name in CLASSES:
        row = rf"^\| !\[[^]]+\]\(images/layer-[a-z-]+\.png\) \| \*\*.*`{name}\b.*\*\*: .*"
        assert re.search(row, formulas, re.M), name
        assert re.search(rf"^\| .*`{re.sub('Pool[123]D$', 'Pool', name)}\b", prices, re.M), name


def test_the_pictures_of_layers_are_drawn_by_their_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    images = ROOT / "wiki" / "images"
    monkeypatch.syspath_prepend(images)
    names = runpy.run_path(str(images / "layers.py"))
    names["main"].__globals__["HERE"] = tmp_path
    names["main"]()
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {path.name for path in images.glob("layer-*.png")}
    shown = re.findall(
        r"images/(layer-[a-z-]+\.png)", section("Layers.md", "Formulas and pictures")
    )
    assert sorted(shown) == sorted(drawn)


def test_the_readme_opens_with_its_two_commands() -> None:
    block = re.search(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert block is not None
    commands = block.group(1).strip().splitlines()
    assert [command.split(" && ")[1] for command in commands] == [
        "python benchmarks/mnist.py",
        "python -m pytest -n logical --dist loadfile",
    ]
