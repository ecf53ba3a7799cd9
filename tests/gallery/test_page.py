"""The HTML of the page: structure, escaping, what it refers to."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from srvp_tf.config import Config, DataConfig
from srvp_tf.gallery_page import page, tables
from srvp_tf.metrics.published_results import RESULTS
from tests.gallery import pages

_VOID = {"meta", "link", "img", "input"}


class Reader(HTMLParser):
    """Collects elements as (tag, attributes), text, and faults of nesting."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.faults, self._open = [], [], [], []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self._open]

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}>")

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def html():
    return page.render_page(pages.make_page())


@pytest.fixture(scope="module")
def reader(html):
    return Reader(html)


def test_elements_nest_and_ids_are_unique(reader):
    assert reader.faults == []
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for _, attributes in reader.elements:
        for name in ("aria-labelledby", "data-follows"):
            assert attributes.get(name, ids[0]) in ids


def test_hostile_names_stay_text(html, reader):
    assert pages.HOSTILE not in html
    assert reader.all("script") == [{"src": "player.js", "defer": None}]
    assert "".join(reader.text).count(pages.HOSTILE) >= 10
    labels = [attributes.get("aria-label") or "" for _, attributes in reader.elements]
    assert any(pages.HOSTILE in label for label in labels)


def test_everything_it_refers_to_is_written_and_near(reader, tmp_path):
    page.write_page(pages.make_page(), tmp_path)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    ids = {attributes.get("id") for _, attributes in reader.elements}
    referred = {"index.html"}
    for _, attributes in reader.elements:
        for name in ("src", "href", "data-sheet"):
            target = attributes.get(name, "#chapter-1")
            if target.startswith("#"):
                assert target[1:] in ids
            elif target != "data:,":
                referred.add(target)
    assert referred == files
    for name in ("index.html", "style.css", "player.js"):
        assert not re.search(r"https?:|//[a-z]|@import|url\(", (tmp_path / name).read_text())


def test_the_same_content_gives_the_same_bytes(tmp_path):
    contents = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        page.write_page(pages.make_page(), folder)
        files = filter(Path.is_file, folder.rglob("*"))
        contents.append({path.relative_to(folder): path.read_bytes() for path in files})
    assert contents[0] == contents[1]


def test_players_say_what_is_given_and_what_predicted(reader):
    figures = [a for a in reader.all("figure") if "data-tiles" in a]
    length, given = pages.LENGTH, pages.NUM_GIVEN
    starts = [int(figure["data-predicted-from"]) for figure in figures]
    assert starts == [length, given, given, 2 * pages.SHORT, 0]
    assert figures[0]["data-tiles"] == "0 1 2 3 4 5"
    assert figures[3]["data-tiles"] == "0 0 1 1 2 2 -1 -1 -1"
    assert [canvas["role"] for canvas in reader.all("canvas")] == ["img"] * 5


def test_results_stand_beside_the_published_ones():
    results = tables.results_table({"run": pages.report(19.987)}, RESULTS["SM-MNIST"][:1])
    assert results.metrics == (("PSNR", "higher"), ("SSIM", "higher"))
    run, published = results.rows
    assert run.cells == (("19.99", "\u00b1 0.50"), ("infinite", ""))
    assert published.cells == (("16.93", ""), ("0.7799", ""))
    assert (run.published, published.published) == (False, True)


def test_no_folder_of_this_machine_is_shown():
    config = Config(data=DataConfig(data_dir="/home/me", digits="idx", digits_dir="/home/mnist"))
    shown = tables.settings_table({"run": config})
    values = [value for settings in shown.values() for s in settings for value in s.values]
    assert not [value for value in values if "/" in value]
    names = {setting.name for settings in shown.values() for setting in settings}
    assert {"nt_cond", "batch_size", "num_samples", "euler_steps"} <= names
