"""The cockpit's page in a real browser, by mouse and keyboard; a request that would leave the machine fails the test.

``make browser`` installs what these tests need; elsewhere they are skipped.
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from coercivity.models.licensing.data.load import load_text
from coercivity.models.licensing.desk.cockpit import command

playwright = pytest.importorskip("playwright.sync_api", reason="needs a browser: make browser")
uvicorn = pytest.importorskip("uvicorn", reason="needs the extra cockpit")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: make browser")

RATE = "leader.discount_rate"
EVIL = "<img src=x onerror=document.title='taken'>"
WAIT = 30_000  # milliseconds


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cockpit over a small game with a range, whose title is an attack on the page."""
    from coercivity.models.licensing.desk.cockpit.server import Cockpit, application

    text = (Path(__file__).parents[4] / "instances" / "toy" / "one-buyer.yaml").read_text("utf-8")
    cut_offs = "leverage: {lengths: [2 month, 3 month], until: 2027-12, recovery: 3 month}\n"
    game = load_text(f"{text}\n{cut_offs}", "one-buyer.yaml")
    rate = game.leader.discount_rate.model_copy(update={"low": 0.0, "high": 0.2, "assumption": EVIL})
    leader = game.leader.model_copy(update={"discount_rate": rate})
    half = game.strategies["half"].model_copy(update={"title": f"Half {EVIL}"})
    game = game.model_copy(update={"leader": leader, "title": EVIL, "strategies": {**game.strategies, "half": half}})
    with command.listening(0) as bound:
        port = bound.getsockname()[1]
        app = application(Cockpit(game, "one-buyer", tmp_path_factory.mktemp("runs")), port)
        served = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, ws="none"))
        thread = threading.Thread(target=served.run, kwargs={"sockets": [bound]})
        thread.start()
        yield f"http://127.0.0.1:{port}/"
        served.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page, open and at rest; what goes elsewhere, and what is said on the console, fails the test."""
    context = browser.new_context(viewport={"width": 1300, "height": 900}, accept_downloads=True)
    faults: list[str] = []

    def routed(route: Any) -> None:
        if route.request.url.startswith(address):
            route.continue_()
        else:
            faults.append(f"a request to {route.request.url}")
            route.abort()

    context.route(re.compile("^(?!data:|blob:)"), routed)
    found = context.new_page()
    found.on("pageerror", lambda error: faults.append(str(error)))
    found.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
    opened(found, address)
    yield found
    context.close()
    assert faults == []


def is_fault(message: Any) -> bool:
    """Whether something on the console is wrong; that a wish was refused is said there too."""
    return message.type == "error" and "422" not in message.text


def opened(page: Any, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#verdict p", timeout=WAIT)


def value(page: Any) -> str:
    return str(page.inner_text("#value"))


def test_a_slider_moves_the_answer_by_keyboard(page: Any) -> None:
    before = value(page)
    page.get_by_role("slider", name=re.compile(re.escape(RATE))).focus()
    page.keyboard.press("End")
    page.wait_for_function(
        "before => document.getElementById('value').textContent !== before", arg=before, timeout=WAIT
    )
    assert page.locator(".number.changed").count() == 1
    assert "Stated" in page.inner_text(".number.changed .why")
    page.wait_for_function(
        "() => document.getElementById('live').textContent.includes('against the stated case')", timeout=WAIT
    )
    page.get_by_role("button", name=f"Reset {RATE}").press("Enter")
    page.wait_for_function(
        "before => document.getElementById('value').textContent === before", arg=before, timeout=WAIT
    )


def test_texts_of_files_are_texts(page: Any) -> None:
    assert page.title() == "Cockpit: one-buyer"
    assert EVIL in page.inner_text("#title")
    assert page.locator("img").count() == 0


def test_a_link_shows_the_same_view(page: Any, browser: Any) -> None:
    page.get_by_label(RATE, exact=True).fill("0.13")
    page.keyboard.press("Tab")
    page.select_option("#strategy", "half")
    page.wait_for_function("() => document.getElementById('live').textContent.startsWith('Half')", timeout=WAIT)
    page.wait_for_function("() => decodeURIComponent(location.hash).includes('half')", timeout=WAIT)
    other = browser.new_page()
    opened(other, page.url)
    assert value(other) == value(page)
    assert other.locator("#strategy").input_value() == "half"
    opened(other, page.url.partition("#")[0] + "#%7Bbroken")
    other.close()


def test_a_refused_number_is_a_sentence(page: Any) -> None:
    page.get_by_label(RATE, exact=True).fill("0.9")
    page.keyboard.press("Tab")
    page.wait_for_selector("#trouble:not([hidden])", timeout=WAIT)
    assert "outside the range that the file states" in page.inner_text("#trouble")
    page.get_by_role("button", name="Reset all").click()
    page.wait_for_selector("#trouble", state="hidden", timeout=WAIT)


def test_what_is_certified_says_so_until_something_moves(page: Any) -> None:
    assert page.inner_text("#badge") == "not certified"
    page.get_by_role("button", name="Certify").click()
    page.wait_for_selector("#badge.proved", timeout=WAIT)
    assert page.inner_text("#badge") == "certified: BILEVEL_FEASIBLE"
    page.select_option("#strategy", "half")
    assert page.inner_text("#badge") == "not certified"
    page.get_by_role("button", name="Certify").click()
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_function("() => document.getElementById('live').textContent.includes('cancelled')", timeout=WAIT)


def test_a_grid_a_pin_a_variant_and_a_table(page: Any) -> None:
    page.locator("#grid select").first.select_option("half")
    page.wait_for_function("() => document.getElementById('live').textContent.startsWith('The grid')", timeout=WAIT)
    page.get_by_role("button", name="Pin", exact=True).click()
    page.wait_for_function("""() => decodeURIComponent(location.hash).includes('"copied":"open"')""", timeout=WAIT)
    page.select_option("#strategy", "half")
    page.wait_for_function("() => document.getElementById('live').textContent.startsWith('Half')", timeout=WAIT)
    page.get_by_role("button", name="Pin", exact=True).click()
    assert page.locator("#pins thead th").count() == 3
    page.locator("#pins").get_by_role("button", name="Show").first.click()
    page.wait_for_function("() => document.getElementById('live').textContent.startsWith('The grid')", timeout=WAIT)
    page.get_by_role("button", name="Keep").click()
    page.wait_for_function("() => document.getElementById('variant').value.includes('strategies:')", timeout=WAIT)
    page.keyboard.press("Escape")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download CSV").click()
    rows = Path(waiting.value.path()).read_text("utf-8").splitlines()
    assert rows[0] == "what,name,now,stated case,unit"
    assert any(row.startswith("term,concession,") for row in rows)


def test_a_brief_is_made_and_downloaded(page: Any) -> None:
    files: list[Any] = []
    page.on("download", lambda one: files.extend([one]))
    page.get_by_role("button", name="Make the brief").click()
    page.wait_for_function("() => document.getElementById('live').textContent.includes('brief is made')", timeout=WAIT)
    page.wait_for_timeout(300)
    assert sorted(one.suggested_filename for one in files) == ["cockpit-brief.html", "cockpit-result.json"]
    brief = next(one for one in files if one.suggested_filename.endswith(".html"))
    text = Path(brief.path()).read_text("utf-8")
    assert "pays the leader most" in text
    assert "<img" not in text


def test_what_comes_of_it_is_covered_until_it_is_guessed(page: Any) -> None:
    page.get_by_role("button", name="Guess first").press("Enter")
    assert not page.locator("#value").is_visible()
    page.select_option("#guessed", "open")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="See").click()
    page.wait_for_function("() => document.getElementById('lesson').textContent.startsWith('No: Half')", timeout=WAIT)
    assert page.locator("#value").is_visible()
    page.get_by_label(RATE, exact=True).fill("0.13")
    page.keyboard.press("Tab")
    page.wait_for_selector("#guess:not([hidden])", timeout=WAIT)
    assert not page.locator("#terms").is_visible()
    page.select_option("#guessed", "half")
    page.get_by_role("button", name="See").click()
    page.wait_for_function("() => document.getElementById('lesson').textContent.startsWith('Right')", timeout=WAIT)
    assert "1 of 2 right" in page.inner_text("#lesson")
    page.get_by_role("button", name="Guess first").click()
    assert page.locator("#terms").is_visible()


def test_leverage_is_drawn_once_a_view_rests(page: Any) -> None:
    page.wait_for_selector("#leverage svg", timeout=WAIT)
    short = page.inner_text("#leverage p")
    assert short.startswith("From 2025 to 2027: ")
    page.select_option("#length", label="3")
    assert page.inner_text("#leverage p") != short
    page.get_by_label(RATE, exact=True).fill("0.13")
    page.keyboard.press("Tab")
    page.wait_for_selector("#leverage path.stated", state="attached", timeout=WAIT)
    assert "in the stated case" in page.inner_text("#leverage p")


def test_every_control_has_a_name_and_narrow_windows_do_not_scroll_sideways(page: Any) -> None:
    nameless = page.evaluate(
        """[...document.querySelectorAll('input, select, textarea, button, progress')].filter((one) =>
        !(one.labels?.length || one.getAttribute('aria-label') || one.textContent.trim())).map((one) => one.outerHTML)"""
    )
    assert nameless == []
    # A window of 640 pixels at 200 % is one of 320.
    for width in (320, 640, 900):
        page.set_viewport_size({"width": width, "height": 700})
        wide = page.evaluate(
            """[...document.querySelectorAll('body *')].filter((one) => !one.closest('.scroll, svg, .skip') &&
            one.getBoundingClientRect().right > window.innerWidth + 1).map((one) => one.outerHTML.slice(0, 90))"""
        )
        assert wide == [], width
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), width
    page.emulate_media(media="print", reduced_motion="reduce")
    assert not page.locator("#certify").is_visible()


def test_a_dragged_slider_ends_where_it_was_left(page: Any, browser: Any) -> None:
    slider = page.locator("#numbers input[type=range]").first
    slider.evaluate(
        """(one) => { for (let at = 0; at <= 300; at += 1) { one.value = 0.2 * at / 300;
        one.dispatchEvent(new Event('input', { bubbles: true })); } }"""
    )
    page.wait_for_function("() => location.hash.length > 2", timeout=WAIT)
    other = browser.new_page()
    opened(other, page.url)
    assert '"leader.discount_rate":0.2' in unquote(page.url)
    page.wait_for_function(
        "told => document.getElementById('value').textContent === told", arg=value(other), timeout=WAIT
    )
    other.close()
