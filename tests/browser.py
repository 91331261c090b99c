"""A real browser for tests: Debian's chromium, driven by playwright; what it is asked of a page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

SIZES: Final = {"desktop": (1280, 900), "phone": (375, 812)}
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_QUIET: Final = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@contextmanager
def browser() -> Iterator[Any]:
    """Lend a browser; skips the running test where none is installed."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("没有安装浏览器：apt-get install chromium fonts-noto-cjk（no chromium here）")
    driver = pytest.importorskip("playwright.sync_api", reason="no playwright here")
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with driver.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=[*_QUIET, *as_root])
        try:
            yield opened
        finally:
            opened.close()


WIDER_THAN_THE_SCREEN: Final = """() => {
    const wide = document.documentElement.clientWidth;
    const over = [...document.querySelectorAll('body *')].filter(one => {
        const box = one.getBoundingClientRect();
        return box.width > 0 && box.right > wide + 1 && box.left >= 0;
    });
    const scrolls = document.documentElement.scrollWidth > wide;
    return scrolls ? over.map(one => one.outerHTML.slice(0, 80)) : [];
}"""
"""The elements that make a page scroll sideways."""

CONTRASTS: Final = """() => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgba = colour => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = colour => {
        const [r, g, b] = colour.map(n => n / 255)
            .map(n => n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = one => {
        for (; one; one = one.parentElement) {
            const colour = rgba(getComputedStyle(one).backgroundColor);
            if (colour[3] > 0) return colour;
        }
        return [255, 255, 255, 255];
    };
    const found = [];
    for (const one of document.querySelectorAll('body *')) {
        const says = [...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        if (!says || !one.checkVisibility()) continue;
        const [a, b] = [light(rgba(getComputedStyle(one).color)), light(behind(one))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        found.push([Math.round(ratio * 100) / 100, one.outerHTML.slice(0, 80)]);
    }
    return found;
}"""
"""Of every element with a text of its own: how much it stands out, and how it begins."""

CUT: Final = """() => [...document.querySelectorAll('body *')]
    .filter(one => getComputedStyle(one).overflow === 'hidden')
    .filter(one => one.scrollHeight > one.clientHeight + 1)
    .map(one => one.outerHTML.slice(0, 80))"""
"""What is not shown whole."""

HEADINGS: Final = "() => [...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])"

UNNAMED: Final = """() => [...document.querySelectorAll('a, button, select, input')]
    .filter(one => one.type !== 'hidden')
    .filter(one => one.checkVisibility())
    .filter(one => !(one.labels?.length || one.textContent.trim() || one.ariaLabel))
    .map(one => one.outerHTML.slice(0, 80))"""
"""What can be worked but has no name for who cannot see it."""

SMALL: Final = """() => [...document.querySelectorAll('button, select, input, summary, nav a')]
    .filter(one => one.type !== 'hidden' && one.checkVisibility())
    .filter(one => one.getBoundingClientRect().height < 40)
    .map(one => one.outerHTML.slice(0, 80))"""
"""What a finger hardly meets."""
