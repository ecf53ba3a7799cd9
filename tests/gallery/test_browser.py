"""The page in a real browser, opened from a file: what is seen, keys, phone, dark."""

import time

import numpy as np
import pytest

from srvp_tf.gallery_page import page
from tests.gallery import pages
from tests.gallery.browser import chromium, emulate, picture, requested

BORDER, SCALE = 4, 3
GREEN, RED = (0, 158, 71), (214, 39, 40)
VIDEOS = [pages.video(seed) for seed in (0, 1, 2)]  # of the first player: truth, two predictions


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site with spaces & <signs>")
    page.write_page(pages.make_page(), folder)
    return (folder / page.PAGE).as_uri()


@pytest.fixture(scope="module")
def driver():
    with chromium() as driver:
        yield driver


@pytest.fixture
def opened(driver, url):
    """The driver, with the page opened by someone who wants no motion: nothing plays."""
    return visit(driver, url)


def visit(driver, url, **preferences):
    emulate(driver, **preferences)
    driver.get(url)
    wait_until(driver, "return document.querySelectorAll('.player[data-ready]').length == 2")
    return driver


def wait_until(driver, script, seconds=20):
    deadline = time.monotonic() + seconds
    while not driver.execute_script(script):
        assert time.monotonic() < deadline, script
        time.sleep(0.02)


def find(driver, selector):
    return driver.find_elements("css selector", selector)


def is_playing(driver, player):
    return "playing" in find(driver, player)[0].get_attribute("class")


def ticks(driver):
    """The ticks that the two players show."""
    return [int(element.get_attribute("data-tick")) for element in find(driver, ".player")]


def press(driver, key):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    ActionChains(driver).send_keys({"Space": " "}.get(key) or getattr(Keys, key)).perform()


def assert_frames(driver, tick):
    """Every canvas of the first player shows exactly the frame of a tick, in the right colour."""
    canvases = find(driver, "#one-player canvas")
    for index, (canvas, video) in enumerate(zip(canvases, VIDEOS, strict=True)):
        seen = picture(canvas)
        inner = seen[BORDER:-BORDER, BORDER:-BORDER]
        expected = video[tick].repeat(SCALE, axis=0).repeat(SCALE, axis=1)
        np.testing.assert_array_equal(inner, expected)
        given = index == 0 or tick < pages.NUM_GIVEN
        np.testing.assert_array_equal(seen[1, len(seen[1]) // 2], GREEN if given else RED)


def test_it_loads_without_errors_and_without_the_network(driver, url):
    driver.get_log("browser")
    requested(driver)
    visit(driver, url)
    assert driver.get_log("browser") == []
    urls = requested(driver)
    assert {address.split(":")[0] for address in urls} <= {"file", "data"}
    assert sum(address.endswith(".webp") for address in urls) == 2
    assert driver.title == f"page of {pages.HOSTILE}"
    assert pages.HOSTILE in find(driver, "h1")[0].text


def test_every_canvas_shows_the_very_frame_in_step(opened):
    for tick in range(pages.LENGTH):
        assert ticks(opened)[0] == tick
        assert_frames(opened, tick)
        find(opened, "#one-player .forth")[0].click()
    assert ticks(opened)[0] == 0


def test_where_a_truth_has_ended_nothing_is_shown(opened):
    kinds, times = [], []
    for _ in range(pages.SLOW_LENGTH):
        kinds.append(find(opened, "#two-player .clip")[0].get_attribute("data-kind"))
        times.append(find(opened, "#two-player .time")[0].text)
        find(opened, "#two-player .forth")[0].click()
    assert kinds == ["given"] * 6 + ["none"] * 3
    assert times[:2] == ["1 / 5", "1.5 / 5"]  # those between whole ones are named


def test_scrubbing_moves_all_canvases_and_the_mark_in_the_curves(opened):
    opened.execute_script(
        "const s = document.querySelector('#one-player .scrub'); s.value = 4;"
        "s.dispatchEvent(new Event('input'))"
    )
    assert ticks(opened) == [4, 0]
    assert_frames(opened, 4)
    assert find(opened, "#one-player .time")[0].text == "5 / 6 predicted"
    text = find(opened, "#one-player .scrub")[0].get_attribute("aria-valuetext")
    assert text == "frame 5 of 6 predicted"
    now = find(opened, ".chart .now")[0]
    x = find(opened, ".chart svg")[0].get_attribute("data-xs").split()[4 - pages.NUM_GIVEN]
    assert now.get_attribute("transform") == f"translate({float(x):g} 0)"
    find(opened, "#one-player .scrub")[0].click()  # the middle of the track
    assert ticks(opened)[0] in (2, 3)


def test_it_plays_and_pauses(opened):
    button = find(opened, "#one-player .play")[0]
    assert button.get_attribute("aria-label") == "Play"
    button.click()
    assert button.get_attribute("aria-label") == "Pause"
    wait_until(opened, "return document.querySelector('#one-player').dataset.tick >= 2")
    button.click()
    seen = ticks(opened)
    assert seen[1] == 0
    time.sleep(0.6)
    assert ticks(opened) == seen
    assert_frames(opened, seen[0])


def test_it_begins_again_after_the_last_frame(opened):
    press(opened, "END")
    assert ticks(opened)[0] == pages.LENGTH - 1
    press(opened, "Space")
    assert ticks(opened)[0] == 0
    seen = set()
    deadline = time.monotonic() + 20
    while len(seen) < pages.LENGTH or ticks(opened)[0] != 0:
        seen.add(ticks(opened)[0])
        assert time.monotonic() < deadline


def test_keys(opened):
    press(opened, "ARROW_RIGHT")
    press(opened, "ARROW_RIGHT")
    assert ticks(opened)[0] == 2
    press(opened, "ARROW_LEFT")
    assert ticks(opened)[0] == 1
    assert_frames(opened, 1)
    press(opened, "HOME")
    assert ticks(opened)[0] == 0
    press(opened, "Space")
    wait_until(opened, "return document.querySelector('#one-player').dataset.tick >= 1")
    assert opened.execute_script("return scrollY") == 0
    press(opened, "Space")
    assert not is_playing(opened, "#one-player")


def test_keys_go_to_the_player_with_the_focus(opened):
    opened.execute_script("document.querySelector('#two-player .scrub').focus()")
    press(opened, "ARROW_RIGHT")  # the slider's own
    assert ticks(opened) == [0, 1]
    press(opened, "Space")
    assert is_playing(opened, "#two-player")
    opened.execute_script("document.querySelector('#two-player .play').focus()")
    press(opened, "Space")  # the button's own: once, not twice
    assert not is_playing(opened, "#two-player")
    press(opened, "HOME")
    assert ticks(opened) == [0, 0]


def test_everything_can_be_reached_with_the_tab_key_and_the_focus_is_seen(opened):
    reached = []
    for _ in range(40):
        press(opened, "TAB")
        reached.append(
            opened.execute_script(
                "const e = document.activeElement, s = getComputedStyle(e);"
                "return [e.tagName + '.' + e.className, s.outlineStyle, parseFloat(s.outlineWidth)]"
            )
        )
    names = {name for name, *_ in reached}
    assert {"A.skip", "BUTTON.all", "BUTTON.play", "INPUT.scrub", "SELECT.", "SUMMARY."} <= names
    for name, style, width in reached:
        assert name == "BODY." or (style != "none" and width >= 2), name


def test_it_plays_by_itself_unless_motion_is_unwanted(driver, url):
    visit(driver, url, calm=False)
    wait_until(driver, "return document.querySelector('#one-player').dataset.tick >= 2")
    find(driver, ".all")[0].click()
    assert find(driver, ".playing") == []
    assert find(driver, ".all")[0].text == "Play all"
    visit(driver, url, calm=True)
    time.sleep(0.5)
    assert ticks(driver) == [0, 0]


@pytest.mark.parametrize("width", [320, 768])
def test_nothing_is_wider_than_the_screen(driver, url, width):
    visit(driver, url, width=width, height=4000)
    for summary in find(driver, "summary"):
        summary.click()
    assert driver.execute_script("return document.documentElement.scrollWidth") == width
    side = find(driver, "canvas")[0].size["width"] - 2 * BORDER
    assert side == (128 if width < 500 else 192)
    targets = [
        element
        for element in find(driver, ".transport button, .transport select")
        if min(element.size.values()) < 32
    ]
    assert targets == []


def luminance(text):
    red, green, blue = (int(part.strip(" )")) / 255 for part in text.split("(")[1].split(",")[:3])
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True])
def test_texts_stand_out_in_the_light_and_in_the_dark(driver, url, dark):
    visit(driver, url, dark=dark)
    paper = luminance(
        driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    )
    assert paper < 0.02 if dark else paper > 0.9
    texts = ("h1", ".lede", ".legend", ".note", "figcaption small", "nav a", ".published td")
    for selector in texts:
        element = find(driver, selector)[0]
        ink = luminance(
            driver.execute_script("return getComputedStyle(arguments[0]).color", element)
        )
        contrast = (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05)
        assert contrast >= 4.5, selector  # WCAG 2, level AA
