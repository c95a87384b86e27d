"""The page of `python -m foxnn play` in a browser: by clicking, by keys, at three widths."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from browser import Opened, browser

WIDTHS = (380, 800, 1400)
# How far what one can use reaches to the right.
EDGE = """Math.max(...[...document.querySelectorAll("button, select, input, canvas")].map(
  (one) => one.getBoundingClientRect().right))"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Start the command, yield its address, and end it by Ctrl-C."""
    command = [sys.executable, "-m", "foxnn", "play"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        line = process.stdout.readline()
        yield line.split()[1]
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
        assert (process.returncode, errors) == (0, "")


@pytest.fixture
def page(chromium: Any, address: str) -> Iterator[Opened]:
    found = Opened(chromium, address, viewport={"width": 1400, "height": 900})
    found.tab.wait_for_selector("#plane-legend .dot")
    yield found
    found.close()
    assert found.said == []
    assert all(url.startswith((address, "data:")) for url in found.asked)


def epoch(page: Opened) -> int:
    return int(re.findall(r"\d+", page.tab.inner_text("#epoch"))[0])


def test_it_learns_xor_by_clicking_pauses_and_begins_anew(page: Opened, tmp_path: Path) -> None:
    tab = page.tab
    tab.select_option("#speed", "60")
    tab.click("text=Run")
    # The accuracy of the test samples, as it is written.
    tab.wait_for_function(
        "() => /test (9[5-9]|100)/.test(document.getElementById('accuracy').textContent)",
        timeout=15_000,
    )
    tab.click("text=Pause")
    tab.wait_for_selector("text=Run")
    # What was on its way when it paused may still be shown.
    seen = [epoch(page)]
    while len(seen) < 2 or (seen[-1] != seen[-2] and len(seen) < 25):
        tab.wait_for_timeout(200)
        seen.append(epoch(page))
    assert seen[-1] > 3
    tab.wait_for_timeout(200)
    assert epoch(page) == seen[-1]
    page.settle()
    counts = [int(text or 0) for text in tab.locator("#table td").all_inner_texts()[1:]]
    assert sum(counts) == 200
    assert counts[0] + counts[3] >= 190
    with tab.expect_download() as download:
        tab.click("#save")
    path = tmp_path / "net.safetensors"
    download.value.save_as(path)
    nn = foxnn.neural_network(path)
    space: dict[str, Any] = {}
    exec(tab.inner_text("#code"), space)
    for layer, other in zip(nn, space["nn"], strict=True):
        np.testing.assert_array_equal(layer.weights, other.weights)
    tab.click("text=Reset")
    tab.wait_for_function("() => document.getElementById('epoch').textContent === 'Epoch 0'")


def test_layers_and_knobs_are_changed(page: Opened) -> None:
    tab = page.tab
    tab.click("text=Reset")
    tab.click("text=Add a layer")
    tab.wait_for_function("() => document.querySelectorAll('#layers .layer').length === 5")
    tab.click("[aria-label='More neurons in dense_2']")
    tab.wait_for_selector("text=tanh → 9")
    assert tab.evaluate("document.activeElement.title") == "More neurons in dense_2"
    tab.click("[aria-label='Remove dense_2']")
    tab.wait_for_function("() => document.querySelectorAll('#layers .layer').length === 4")
    tab.select_option("#knob-data", "plane")
    tab.wait_for_selector("#accuracy-card", state="hidden")
    tab.select_option("#knob-learning_rate", "0.1")
    tab.click("#one-epoch")
    tab.wait_for_function("() => document.getElementById('code').textContent.includes('rate=0.1')")
    tab.select_option("#knob-data", "xor")
    tab.wait_for_selector("#accuracy-card")
    tab.fill("#knob-seed", "-4")
    tab.press("#knob-seed", "Enter")
    tab.wait_for_selector("text=seed must be")
    assert "400 (Bad Request)" in page.said.pop()
    tab.select_option("#knob-learning_rate", "0.01")


def test_it_is_used_by_keys(page: Opened) -> None:
    tab = page.tab
    tab.click("text=Reset")
    tab.wait_for_function("() => document.getElementById('epoch').textContent === 'Epoch 0'")
    tab.keyboard.press("s")
    tab.wait_for_selector("text=Epoch 0 + 1 steps")
    tab.keyboard.press("e")
    tab.wait_for_selector("text=Epoch 1 + 1 steps")
    tab.keyboard.press("r")
    tab.wait_for_selector("#run:has-text('Pause')")
    tab.keyboard.press("r")
    tab.wait_for_selector("#run:has-text('Run')")
    tab.focus("#layers canvas")
    tab.keyboard.press("ArrowRight")
    tab.wait_for_selector("text=Neuron 2 of dense_0")
    assert tab.locator("#lines path").count() == 2
    tab.keyboard.press("Tab")
    tab.keyboard.press("0")
    tab.wait_for_function("() => document.getElementById('epoch').textContent === 'Epoch 0'")


def test_it_fits_every_width_in_light_and_dark(page: Opened) -> None:
    for width in WIDTHS:
        page.tab.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            page.tab.emulate_media(color_scheme=scheme)
            page.settle()
            check_fits(page, width)


def check_fits(page: Opened, width: int) -> None:
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= width
    # Nothing that one can use reaches over the edge, and text stands out from what is behind it.
    assert page.tab.evaluate(EDGE) <= width
    # The Tab key goes on downwards, where all is in one column.
    tops = page.tab.evaluate(
        "[...document.querySelector('main').children].map((one) => one.getBoundingClientRect().top)"
    )
    assert width > 380 or tops == sorted(tops)
    colours = page.tab.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    ink, paper = (np.mean([int(n) for n in re.findall(r"\d+", text)[:3]]) for text in colours)
    assert abs(ink - paper) > 150


def test_it_says_that_the_program_has_ended(chromium: Any) -> None:
    nn = foxnn.neural_network([2, 3, 1], "tanh", seed=1)
    x = np.random.default_rng(0).uniform(-1, 1, (20, 2))
    with foxnn.Watcher((x, x[:, :1])) as watcher:
        nn.fit(x, x[:, :1], epochs=2, callbacks=watcher)
        page = Opened(chromium, watcher.address)
        page.tab.wait_for_selector("text=The training has ended: epoch 2")
        assert page.tab.locator("#bar button").count() == 0
    page.tab.wait_for_selector("text=The program does not answer")
    page.close()
