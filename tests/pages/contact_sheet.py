"""`make screenshots`: a picture of every attendee page and state at 360 and 1280 px, light and dark, English and Arabic.

screenshots/<scene>-<language>-<width>-<scheme>.png, and one contact sheet per language and scheme. Not in the repository.
`python -m tests.pages.contact_sheet review confirmed` makes only these.
"""

import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Error, Page

from .conftest import Demo, chromium, running_demo
from .test_look import ATTENDEES, Scene

FOLDER = Path("screenshots")
WIDTHS, SCHEMES, LANGUAGES = (1280, 360), ("light", "dark"), ("en", "ar")
THUMBNAILS = {1280: 420, 360: 118}
"""Width in the sheet, by width of the window, in pixels."""
SHEET_WIDTH = 2400


def main(names: Sequence[str]) -> None:
    """Each scene once; then the same page in each language, width and scheme."""
    FOLDER.mkdir(exist_ok=True)
    scenes = [scene for scene in ATTENDEES if not names or scene.__name__ in names]
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as directory,
        running_demo(Path(directory)) as demo,
        chromium() as browser,
    ):
        for scene in scenes:
            shoot(browser, demo, scene)
        for language, scheme in product(LANGUAGES, SCHEMES):
            sheet(browser, language, scheme)


def shoot(browser: Browser, demo: Demo, scene: Scene) -> None:
    """All pictures of one scene."""
    context = browser.new_context(timezone_id="Europe/Berlin")
    page = context.new_page()
    scene(demo, page)
    for language in LANGUAGES:
        if language != "en":
            pick(page, language)
        for width, scheme in product(WIDTHS, SCHEMES):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            path = FOLDER / f"{scene.__name__}-{language}-{width}-{scheme}.png"
            page.screenshot(path=path, full_page=True)
    context.close()


def pick(page: Page, language: str) -> None:
    """As a reader does; an open picker stays open for its own picture."""
    was_open = page.locator(".picker[open]").count()
    if not was_open:
        page.locator(".picker summary").click()
    page.locator(f".picker [lang={language}]").click()
    page.wait_for_load_state()
    page.locator(f"html[lang={language}]").wait_for()
    if was_open:
        page.locator(".picker summary").click()


def sheet(browser: Browser, language: str, scheme: str) -> None:
    """All pictures that there are, in the order of the scenes."""
    cells = "".join(_cell(scene.__name__, language, scheme) for scene in ATTENDEES)
    style = (
        "body{font:14px sans-serif;background:#e9e4e6;display:flex;flex-wrap:wrap;gap:24px;align-items:start}"
        "figure{margin:0}figure div{display:flex;gap:8px;align-items:start}img{border:1px solid #bbb}"
    )
    name = f"contact-sheet-{language}-{scheme}"
    page_file = FOLDER / f"{name}.html"
    page_file.write_text(f"<!doctype html><meta charset=utf-8><title>{name}</title><style>{style}</style>{cells}")
    page = browser.new_page(viewport={"width": SHEET_WIDTH, "height": 1000})
    page.goto(page_file.absolute().as_uri(), wait_until="load")
    with suppress(Error):
        page.screenshot(path=FOLDER / f"{name}.png", full_page=True)
    page.close()


def _cell(name: str, language: str, scheme: str) -> str:
    files = {width: f"{name}-{language}-{width}-{scheme}.png" for width in WIDTHS}
    if not all((FOLDER / file).exists() for file in files.values()):
        return ""
    pictures = "".join(f'<img src="{files[width]}" width="{THUMBNAILS[width]}">' for width in WIDTHS)
    return f"<figure><figcaption>{name}</figcaption><div>{pictures}</div></figure>"


if __name__ == "__main__":
    main(sys.argv[1:])
