"""The folder of a page: whole, and in no one else's place."""

import json

import pytest

from srvp_tf.errors import UserError
from srvp_tf.gallery_page.folder import LISTING, check_replaceable, replacing_gallery


def write(path, text="new"):
    with replacing_gallery(path) as folder:
        (folder / "index.html").write_text(text)
        (folder / "sheets").mkdir()
        (folder / "sheets" / "a.webp").write_text(text)


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_gallery_takes_the_place_of_a_gallery(tmp_path):
    path = tmp_path / "deep" / "site"
    path.mkdir(parents=True)  # an empty one is taken
    for text in ("old", "new"):
        write(path, text)
    assert (path / "index.html").read_text() == "new"
    assert names(path.parent) == [
        "site", "site/gallery.json", "site/index.html", "site/sheets", "site/sheets/a.webp"
    ]  # fmt: skip
    listing = json.loads((path / LISTING).read_text())
    assert listing["files"] == ["index.html", "sheets/a.webp"]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("thesis.tex", "mine"),
        ("index.html", "mine"),
        ("sheets/thesis.tex", "mine"),
        (LISTING, "{}"),
        (LISTING, "[" * 100_000),
        (LISTING, '{"generator": "other", "files": []}'),
    ],
)
def test_what_is_not_ours_is_never_replaced(tmp_path, file, content):
    path = tmp_path / "site"
    (path / file).parent.mkdir(parents=True)
    (path / file).write_text(content)
    before = names(tmp_path)
    with pytest.raises(UserError, match="name another folder") as error:
        write(path)
    assert file in str(error.value)
    assert names(tmp_path) == before
    assert (path / file).read_text() == content


def test_a_file_that_was_put_into_a_gallery_saves_it(tmp_path):
    path = tmp_path / "site"
    write(path, "old")
    (path / "CNAME").write_text("mine")
    with pytest.raises(UserError, match="CNAME"):
        write(path)
    assert (path / "index.html").read_text() == "old"


def test_a_file_that_appears_meanwhile_saves_the_folder(tmp_path):
    path = tmp_path / "site"
    with pytest.raises(UserError, match="late"), replacing_gallery(path) as folder:
        (folder / "index.html").write_text("new")
        path.mkdir()
        (path / "late").write_text("mine")
    assert names(tmp_path) == ["site", "site/late"]


def test_after_an_error_everything_is_as_it_was(tmp_path):
    path = tmp_path / "site"
    write(path, "old")
    with pytest.raises(KeyboardInterrupt), replacing_gallery(path) as folder:
        (folder / "index.html").write_text("half")
        raise KeyboardInterrupt
    assert (path / "index.html").read_text() == "old"
    assert [child.name for child in tmp_path.iterdir()] == ["site"]


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "site").write_text("mine")
    with pytest.raises(UserError, match="is a file"):
        check_replaceable(tmp_path / "site")
    with pytest.raises(UserError, match="takes no files"):
        check_replaceable(tmp_path / "site" / "deeper")
