from __future__ import annotations

import ctypes
import ctypes.util
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from runner.errors import ExperimentError
from runner.experiment.experiment import load_experiment
from runner.experiment.fields.sections import Problem
from runner.experiment.formats.column_choice import ColumnChoice
from runner.experiment.formats.registry import read_table
from runner.experiment.plan import Plan
from runner.experiment.truth_tables.reachability import table_notes
from runner.experiment.truth_tables.truth_table import TruthTable, truth_table

XOR = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]
SNNS = """SNNS pattern definition file V3.2
generated at Mon Apr 25 15:58:23 1994


No. of patterns : 4
No. of input units : 2
No. of output units : 1

# Input pattern 1:
0 0
# Output pattern 1:
0
0 1  # on the same line
1
1 0 1
1 1
0
"""


def table_of(path: Path, text: str | bytes, one_hot: bool = False, **fields: Any) -> TruthTable:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return truth_table(Problem(table=path.name, **fields), path.parent, one_hot=one_hot)


def rows(table: TruthTable) -> list[list[float]]:
    return np.hstack([table.inputs, table.targets]).tolist()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n", ""),
        ("a;b;y\n0;0;0\n0;1;1\n1;0;1\n1;1;0\n", "separated by semicolons."),
        ("a\tb\ty\n0\t0\t0\n0\t1\t1\n1\t0\t1\n1\t1\t0\n", "separated by tabs."),
        ("a  b y\n 0 0  0\n0 1 1\n1 0 1\n1 1 0 \n", "separated by spaces."),
        ("a|b|y\n0|0|0\n0|1|1\n1|0|1\n1|1|0\n", "separated by bars."),
        ("0,0,0\n0,1,1\n1,0,1\n1,1,0\n", "without a header"),
        ("0 0 0\n0 1 1\n1 0 1\n1 1 0\n", "separated by spaces, without a header"),
        ("0,1,2\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n", ""),
    ],
)
def test_separators_and_headers_are_found_out_and_said(
    tmp_path: Path, text: str, said: str
) -> None:
    choice = {"target_columns": ("2",)} if text.startswith("0,1,2") else {}
    table = table_of(tmp_path / "t.csv", text, **choice)
    assert rows(table) == XOR
    sentence = table.description(by_class=False).partition(" Read ")[2]
    assert sentence.startswith(said)
    assert bool(sentence) == bool(said)


def test_names_with_other_separators_are_names_as_before(tmp_path: Path) -> None:
    table = table_of(tmp_path / "t.csv", "x (a;b),u v,y\n0,1,2\n3,4,5\n")
    assert table.input_names == ("x (a;b)", "u v")
    quoted = table_of(tmp_path / "t.csv", '"u, v";y\n0;1\n3;4\n')
    assert quoted.input_names == ("u, v",)


def test_columns_by_name(tmp_path: Path) -> None:
    text = "id,a,y,b\nm1,0,1,5\nm2,1,0,6\n"
    choice = {"target_columns": ("b", "a"), "ignored_columns": ("id",)}
    table = table_of(tmp_path / "t.csv", text, **choice)
    assert (table.input_names, table.target_names) == (("y",), ("a", "b"))
    assert rows(table) == [[1, 0, 5], [0, 1, 6]]


@pytest.mark.parametrize(
    ("targets", "ignored", "message"),
    [
        (("z",), (), "names the columns a, b, y; expected 'z', of problem.target_columns."),
        ((), ("Y",), "expected 'Y', of problem.ignored_columns. Did you mean 'y'?"),
        (("a",), ("a",), "column 'a' is in problem.target_columns and in problem.ignored_columns"),
        (("a", "b", "y"), (), "expected an input column beside the targets"),
        ((), ("y",), "expected a target column named y"),
    ],
)
def test_columns_that_are_not_there(
    tmp_path: Path, targets: tuple[str, ...], ignored: tuple[str, ...], message: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,y\n0,1,1\n1,1,0\n")
    with pytest.raises(ExperimentError) as caught:
        read_table(path, ColumnChoice(targets, ignored))
    assert message in str(caught.value)


class TestClasses:
    def test_words_become_columns_in_sorted_order(self, tmp_path: Path) -> None:
        text = "a,kind\n1,rose\n2,iris\n3,tulip\n4,iris\n"
        frame = pd.read_csv(pd.io.common.StringIO(text))
        expected = pd.get_dummies(frame["kind"]).astype(float)  # an independent one-hot
        for one_hot in (True, False):
            table = table_of(tmp_path / "t.csv", text, one_hot, target_columns=("kind",))
            assert table.targets.tolist() == expected.to_numpy().tolist()
            assert table.target_names == tuple(f"kind={name}" for name in expected.columns)
        assert "targets kind=iris, kind=rose, kind=tulip." in table.description(by_class=True)

    def test_two_words_are_one_column_without_softmax(self, tmp_path: Path) -> None:
        text = "a,y\n1,no\n2,yes\n"
        assert table_of(tmp_path / "t.csv", text).targets.tolist() == [[0], [1]]
        assert table_of(tmp_path / "t.csv", text).target_names == ("y=yes",)
        both = table_of(tmp_path / "t.csv", text, one_hot=True)
        assert both.targets.tolist() == [[1, 0], [0, 1]]

    def test_integers_are_classes_of_a_softmax_alone(self, tmp_path: Path) -> None:
        text = "a,y\n1,10\n2,2\n3,7\n"
        table = table_of(tmp_path / "t.csv", text, one_hot=True)
        assert table.targets.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
        assert table.target_names == ("y=2", "y=7", "y=10")
        assert table_of(tmp_path / "t.csv", text).targets.tolist() == [[10], [2], [7]]

    def test_iris_as_uci_has_it(self, tmp_path: Path) -> None:
        text = "5.1,3.5,1.4,0.2,Iris-setosa\n7.0,3.2,4.7,1.4,Iris-versicolor\n\n"
        table = table_of(tmp_path / "iris.data", text, one_hot=True)
        assert table.target_names == ("5=Iris-setosa", "5=Iris-versicolor")
        assert table.inputs.tolist() == [[5.1, 3.5, 1.4, 0.2], [7.0, 3.2, 4.7, 1.4]]

    def test_too_many(self, tmp_path: Path) -> None:
        text = "a,y\n" + "".join(f"{i},w{i}\n" for i in range(101))
        with pytest.raises(ExperimentError, match=r"line 102.* number 101; expected at most 100"):
            table_of(tmp_path / "t.csv", text)


def test_tolerance(tmp_path: Path) -> None:
    table = table_of(tmp_path / "t.csv", "a,y,y2\n0,0.1,0\n1,0.7,1\n2,0.2,0\n", tolerance=0.25)
    assert table.tolerances.tolist() == [0.25, 0.25]
    assert "Solved: y is within 0.25 of its target" in table.description(by_class=False)
    assert "gap" not in table.description(by_class=False)


class FannData(ctypes.Structure):
    """`struct fann_train_data` of doublefann.h, version 2.2.0."""

    _fields_ = (
        ("errno_f", ctypes.c_int),
        ("error_log", ctypes.c_void_p),
        ("errstr", ctypes.c_char_p),
        ("num_data", ctypes.c_uint),
        ("num_input", ctypes.c_uint),
        ("num_output", ctypes.c_uint),
        ("input", ctypes.POINTER(ctypes.POINTER(ctypes.c_double))),
        ("output", ctypes.POINTER(ctypes.POINTER(ctypes.c_double))),
    )


FANN_TEXTS = {
    "lines": "4 2 1\n0 0\n0\n0 1\n1\n1 0\n1\n1 1\n0\n",
    "one line": "4 2 1 0 0 0 0 1 1 1 0 1 1 1 0",
    "blank lines": "\n\n4 2 1\r\n\r\n0 0\r\n0\n0\t1\n1\n\n1 0\n1\n1 1\n0\n",
    "more than it says": "4 2 1\n0 0\n0\n0 1\n1\n1 0\n1\n1 1\n0\n9 9 9\n",
}


@pytest.mark.parametrize("text", FANN_TEXTS.values(), ids=FANN_TEXTS)
def test_fann(tmp_path: Path, text: str) -> None:
    table = table_of(tmp_path / "xor.data", text)
    assert rows(table) == XOR
    assert (table.input_names, table.target_names) == (("x1", "x2"), ("y",))
    assert "Read as training data of FANN" in table.description(by_class=False)


@pytest.mark.parametrize("text", FANN_TEXTS.values(), ids=FANN_TEXTS)
def test_fann_reads_the_same(tmp_path: Path, text: str) -> None:
    name = ctypes.util.find_library("doublefann")
    if name is None:
        pytest.skip("libdoublefann is not installed")
    table = table_of(tmp_path / "xor.data", text)
    fann = ctypes.CDLL(name)
    fann.fann_read_train_from_file.restype = ctypes.POINTER(FannData)
    data = fann.fann_read_train_from_file(str(tmp_path / "xor.data").encode()).contents
    assert data.num_data == 4
    assert [data.input[i][:2] + data.output[i][:1] for i in range(4)] == rows(table)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.data", "4 2 1\n0 0\n0\n", "the file ends after 3 numbers; expected 12: 4 patterns"),
        ("x.data", "2 1 1\n0 0\n1 nan\n", "line 3 holds 'nan'; expected a finite number."),
        ("x.data", "2 1 1\n0 0\n1 0,5\n", "line 3 holds '0,5'; expected a finite number. Write"),
        ("x.data", "2 1 1\n0 1\n1 1\n", "column y is 1.0 in every row"),
        ("x.train", "200000 1 1\n0 0\n", "says that it has 200,000 patterns; expected 1 to 100,"),
        ("x.train", "2 1 0\n0 0\n", "have 1 input and 0 outputs; expected at least one of each"),
        ("x.pat", "a,y\n0,1\n", "line 1 is 'a,y'; expected 'SNNS pattern definition file V3.2'"),
        ("x.pat", "", "line 0 is ''; expected 'SNNS pattern"),
        ("x.pat", SNNS.replace("No. of output units : 1", ""), "no line 'No. of output units'"),
        ("x.pat", SNNS.replace(": 4", ": four"), "expected an integer after the colon."),
        (
            "x.pat",
            SNNS.replace("V3.2", "V4.2").replace("1\n\n#", "1\nNo. of classes : 2\n\n#"),
            "line 8 is 'No. of classes : 2'; expected patterns of one size, without classes.",
        ),
    ],
)
def test_counts_that_do_not_agree(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        table_of(tmp_path / name, text)
    assert message in str(caught.value)


def test_snns(tmp_path: Path) -> None:
    table = table_of(tmp_path / "xor.pat", SNNS)
    assert rows(table) == XOR
    assert "Read as patterns of SNNS V3.2." in table.description(by_class=False)


class TestGzip:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("xor.csv.gz", "a,b,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n"),
            ("xor.data.gz", FANN_TEXTS["lines"]),
            ("xor.pat.gz", SNNS),
        ],
    )
    def test_is_read(self, tmp_path: Path, name: str, text: str) -> None:
        assert rows(table_of(tmp_path / name, gzip.compress(text.encode()))) == XOR

    def test_is_bounded_by_what_is_in_it(self, tmp_path: Path) -> None:
        path = tmp_path / "t.csv.gz"
        path.write_bytes(gzip.compress(b"a,y\n" + (b" " * 2**16 + b"\n") * 2**10, 1))
        with pytest.raises(ExperimentError, match="more than 67,108,864 bytes when decompressed"):
            read_table(path)

    @pytest.mark.parametrize("cut", [5, 25])
    def test_that_is_cut_off(self, tmp_path: Path, cut: int) -> None:
        path = tmp_path / "t.csv.gz"
        path.write_bytes(gzip.compress(b"a,y\n0,1\n1,0\n2,1\n3,0\n")[:cut])
        with pytest.raises(ExperimentError, match="the file cannot be read: Compressed file ended"):
            read_table(path)


class TestInPython:
    FRAME = pd.DataFrame({"a": [0.1, 0.2, 1 / 3], "b": [True, False, True], "y": [0, 1, 1]})

    def plan(self, table: object, **more: object) -> Plan:
        raw = {"name": "t", "restarts": 1, "problem": {"table": table, **more}}
        return Plan(load_experiment(raw))

    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_a_frame(self, dtype: type) -> None:
        frame = self.FRAME.astype({"a": dtype})
        plan = self.plan(frame)
        table = plan.configurations[0].table
        assert table.inputs.tolist() == frame[["a", "b"]].to_numpy(np.float64).tolist()
        assert table.target_names == ("y",)
        (note,) = table_notes(plan.configurations)
        assert note.startswith("DataFrame-")
        assert note.endswith("3 rows; inputs a, b; target y.")
        # Stored and read again, the plan is the same without the frame.
        stored = plan.canonical()
        again = Plan(load_experiment(stored["experiment"]), tables=stored["tables"])
        assert again.canonical() == stored
        assert again.configurations[0].table.inputs.tolist() == table.inputs.tolist()

    def test_an_array_has_its_target_last(self) -> None:
        table = self.plan(np.array(XOR)).configurations[0].table
        assert rows(table) == XOR
        assert table.input_names == ("1", "2")

    def test_in_a_grid(self) -> None:
        other = self.FRAME.assign(y=[1, 0, 1])
        raw = {"name": "t", "grid": {"problem.table": [self.FRAME, other]}}
        plan = Plan(load_experiment(raw))
        targets = [c.table.targets.ravel().tolist() for c in plan.configurations]
        assert targets == [[0, 1, 1], [1, 0, 1]]

    def test_a_frame_and_its_file_are_the_same_configuration(self, tmp_path: Path) -> None:
        self.FRAME.astype({"b": int}).to_csv(tmp_path / "t.csv", index=False)
        plans = self.plan(self.FRAME), self.plan(str(tmp_path / "t.csv"))
        assert len({plan.configurations[0].id for plan in plans}) == 1

    @pytest.mark.parametrize(
        ("table", "message"),
        [
            (np.zeros((2, 2, 2)), r"an array of shape \[2, 2, 2\] of float64; expected numbers in"),
            (pd.DataFrame({"a": [1.0, None], "y": [0, 1]}), "line 3, column a is missing"),
            (pd.DataFrame({"a": [1.0, 2.0], "t": [0, 1]}), r"problem.target_columns to \['t'\]"),
        ],
    )
    def test_refuses(self, table: object, message: str) -> None:
        with pytest.raises(ExperimentError, match=message):
            _ = self.plan(table).configurations


def test_columns_and_tolerance_make_tables_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,c\n0,0,1\n0,1,0\n1,0,0\n")
    raw = {
        "name": "t",
        "problem": {"table": str(tmp_path / "t.csv")},
        "grid": {"problem.target_columns": [["c"], ["b"]], "problem.tolerance": [0.1, 0.4]},
    }
    plan = Plan(load_experiment(raw))
    assert len({c.id for c in plan.configurations}) == 4
    near = [c.signature().criterion.tolerances for c in plan.configurations]
    assert near == [(0.1,), (0.4,)] * 2
    stored = plan.canonical()
    again = Plan(load_experiment(stored["experiment"]), tables=stored["tables"])
    assert [c.id for c in again.configurations] == [c.id for c in plan.configurations]
