"""Tables of actions: what is read, against NumPy's own reading, and what is refused."""

import io

import numpy as np
import pytest

from data_pipelines.errors import DataError
from data_pipelines.readers import action_tables
from data_pipelines.readers.action_tables import find_tables, read_columns, read_rows

ROWS = np.random.default_rng(0).normal(size=(7, 3))
NAMES = ("dx", "dy", "grip")


def write_csv(path, rows=ROWS, names=NAMES):
    lines = [",".join(names), *(",".join(map(repr, row)) for row in np.asarray(rows).tolist())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def refusal(path, columns=NAMES):
    with pytest.raises(DataError) as caught:
        read_rows(path, columns)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "\ufeff{}",  # as spreadsheets mark UTF-8
        "{}\n\n\n",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_is_what_numpy_reads(tmp_path, text, end):
    path = write_csv(tmp_path / "a.actions.csv")
    path.write_text(text.format(path.read_text()), encoding="utf-8", newline=end)
    expected = np.loadtxt(
        io.StringIO(path.read_text("utf-8-sig")), np.float32, "#", ",", skiprows=1
    )
    assert read_columns(path) == NAMES
    found = read_rows(path, NAMES)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found, ROWS.astype(np.float32))
    np.testing.assert_array_equal(read_rows(path, NAMES[::-1]), expected[:, ::-1])


def test_names_with_commas_and_spaces(tmp_path):
    path = tmp_path / "a.actions.csv"
    path.write_text('"x, left", y\n1, 2e-3\n')
    assert read_columns(path) == ("x, left", "y")
    np.testing.assert_array_equal(read_rows(path, ("y", "x, left")), np.float32([[2e-3, 1]]))


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", "<i8", "|u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_npy(tmp_path, dtype, order):
    rows = np.asarray(np.abs(9 * ROWS), dtype, order=order)
    np.save(tmp_path / "a.actions.npy", rows)
    names = read_columns(tmp_path / "a.actions.npy")
    assert names == ("action_0", "action_1", "action_2")
    found = read_rows(tmp_path / "a.actions.npy", names)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, rows.astype(np.float32))


def test_a_table_without_rows(tmp_path):
    assert read_rows(write_csv(tmp_path / "a.actions.csv", ROWS[:0]), NAMES).shape == (0, 3)
    np.save(tmp_path / "a.actions.npy", ROWS[:0])
    assert read_rows(tmp_path / "a.actions.npy", ("action_0", "action_1", "action_2")).size == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "has 0 columns"),
        ("1,2,3\n4,5,6\n", "its first line holds '1', where names of columns belong"),
        ("dx,,grip\n1,2,3\n", "its first line names a column ''"),
        ("dx,dx,grip\n1,2,3\n", "two of its columns have one name"),
        ("dx,d\x1b[31m,grip\n", "names a column 'd\\x1b[31m'"),
        ("dx,dy,grip\n1,2,3\n1,2\n", "row 2 has 2 values, its first line 3"),
        ("dx,dy,grip\n1,2,3\n\n1,2,3\n", "row 2 has 0 values"),
        ("dx,dy,grip\n1,2,3\n1,two,3\n", "row 2, column dy is no finite float32"),
        ("dx,dy,grip\n1,2,nan\n", "row 1, column grip is no finite"),
        ("dx,dy,grip\n1,2,3\n-inf,2,3\n", "row 2, column dx is no finite"),
        ("dx,dy,grip\n1,2,1e39\n", "row 1, column grip is no finite float32"),
        ("dx;dy;grip\n1;2;3\n", "row 1, column dx;dy;grip is no finite"),
        ('dx,dy,"grip\n1,2,3\n', "cannot be read as a table of actions"),
        (f"dx,dy,grip\n1,2,{'3' * 200_000}\n", "cannot be read as a table of actions"),
        (",".join(f"x{i}" for i in range(1025)), "has 1025 columns; 1 to 1024 are read"),
        (b"dx,dy,gr\xff\n", "cannot be read as a table of actions"),
    ],
)
def test_texts_that_are_no_table(tmp_path, content, says):
    path = tmp_path / "a.actions.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    columns = (content.splitlines()[0],) if ";" in str(content) else NAMES
    assert says in refusal(path, columns)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (ROWS[:, 0], "holds float64 [7]; give numbers [T - 1, A]"),
        (ROWS > 0, "holds bool [7, 3]"),
        (ROWS.astype(complex), "holds complex128"),
        (ROWS.astype(str), "holds <U"),
        (np.zeros((2, 1025)), "has 1025 columns"),
        (np.zeros((2, 0)), "has 0 columns"),
        (np.where(np.eye(7, 3), np.nan, ROWS), "row 1, column action_0 is no finite float32"),
        (np.array([{}]), "its header is broken|it holds object"),
    ],
)
def test_arrays_that_are_no_table(tmp_path, array, says):
    path = tmp_path / "a.actions.npy"
    np.save(path, array)
    message = refusal(path, ("action_0", "action_1", "action_2"))
    assert any(text in message for text in says.split("|")), message


def test_damaged_missing_and_large_tables(tmp_path, monkeypatch):
    path = tmp_path / "a.actions.npy"
    assert "No such file" in refusal(path)
    np.save(path, ROWS)
    path.write_bytes(path.read_bytes()[:-1])
    assert "167 bytes where its header says 168" in refusal(path)
    monkeypatch.setattr(action_tables, "_MAX_TABLE_BYTES", 100)
    assert "has more than 0 MiB" in refusal(path)
    assert "other columns than a moment ago" in refusal(write_csv(tmp_path / "b.csv", [[1]], "a"))


def test_the_table_lies_beside_a_file_or_a_folder(tmp_path):
    (tmp_path / "frames.v1").mkdir()
    for name in ("frames.v1.actions.csv", "clip.actions.npy", "clip.actions.csv", "a.actions.csv"):
        (tmp_path / name).touch()
    (tmp_path / "b.actions.csv").mkdir()
    for video, tables in (
        ("frames.v1", ["frames.v1.actions.csv"]),
        ("a.MP4", ["a.actions.csv"]),
        ("clip.mp4", ["clip.actions.csv", "clip.actions.npy"]),
        ("b.mp4", []),
    ):
        assert [path.name for path in find_tables(tmp_path / video)] == tables
