"""The page itself: chapters of players, charts and tables, written into a folder by templates."""

import dataclasses
import importlib.resources
from pathlib import Path

import jinja2

from srvp_tf._version import __version__
from srvp_tf.gallery_page import charts
from srvp_tf.gallery_page.charts import Chart
from srvp_tf.gallery_page.players import Player
from srvp_tf.gallery_page.tables import Results, Setting

PAGE = "index.html"
_STATIC = ("style.css", "player.js")


@dataclasses.dataclass(frozen=True)
class PageSection:
    """Part of a chapter.

    id: unique in the chapter. title, text: plain text.
    player: what it plays; None if it has only text.
    """

    id: str
    title: str
    text: str
    player: Player | None = None


@dataclasses.dataclass(frozen=True)
class Chapter:
    """All about the runs of one corpus and test setting.

    id: unique in the page; letters, digits and hyphens.
    title, lede: plain text.
    runs: names, in the order of their colours.
    sections: videos; the curves stand after the first one and follow its clock.
    charts, charts_text: curves and what they are.
    results, results_notes: the table and lines below it.
    settings: section of the configuration -> settings.
    """

    id: str
    title: str
    lede: str
    runs: tuple[str, ...]
    sections: tuple[PageSection, ...]
    charts: tuple[Chart, ...]
    charts_text: str
    results: Results
    results_notes: tuple[str, ...]
    settings: dict[str, list[Setting]]


@dataclasses.dataclass(frozen=True)
class GalleryPage:
    """A title, an introduction, chapters.

    demo: address of a page in which the model itself can be tried; empty if there is none.
    """

    title: str
    lede: str
    chapters: tuple[Chapter, ...]
    demo: str = ""


LEDE = (
    "Given a few frames of a video, a model draws many futures of it. What lasts is kept in a "
    "content variable; time lives in a state that moves by small learned steps."
)


def load_template(package: str, name: str) -> jinja2.Template:
    """A template in the folder `templates` of a package; every text put into it is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)


def render_page(page: GalleryPage) -> str:
    """The HTML of a page; every text in it is escaped."""
    template = load_template("srvp_tf.gallery_page", "page.html.jinja")
    return template.render(page=page, charts=charts, version=__version__)


def write_page(page: GalleryPage, folder: Path) -> None:
    """Write a page and all that it shows into an existing folder."""
    (folder / PAGE).write_text(render_page(page), encoding="utf-8")
    static = importlib.resources.files("srvp_tf.gallery_page") / "static"
    for name in _STATIC:
        (folder / name).write_bytes((static / name).read_bytes())
    (folder / "sheets").mkdir()
    for chapter in page.chapters:
        for section in chapter.sections:
            if section.player:
                section.player.sheet.save(folder / section.player.sheet_file)
