from __future__ import annotations

import csv
import io
import itertools
import json
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import ExperimentError
from runner.experiment.fields.sections import Problem
from runner.experiment.formats.base import MAX_BYTES, MAX_ROWS
from runner.experiment.formats.column_choice import ColumnChoice
from runner.experiment.formats.registry import read_table
from runner.experiment.truth_tables.truth_table import GATES, TruthTable, gate_names, truth_table

HERE = Path()
TWO_INPUTS: dict[str, Callable[[bool, bool], bool]] = {
    "FALSE": lambda a, b: False,
    "AND": lambda a, b: a and b,
    "A-AND-NOT-B": lambda a, b: a and not b,
    "A": lambda a, b: a,
    "B-AND-NOT-A": lambda a, b: b and not a,
    "B": lambda a, b: b,
    "XOR": lambda a, b: a != b,
    "OR": lambda a, b: a or b,
    "NOR": lambda a, b: not (a or b),
    "XNOR": lambda a, b: a == b,
    "NOT-B": lambda a, b: not b,
    "A-OR-NOT-B": lambda a, b: a or not b,
    "NOT-A": lambda a, b: not a,
    "B-OR-NOT-A": lambda a, b: b or not a,
    "NAND": lambda a, b: not (a and b),
    "TRUE": lambda a, b: True,
}


def refusal(path: Path) -> list[str]:
    with pytest.raises(ExperimentError) as caught:
        read_table(path)
    return str(caught.value).splitlines()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


class TestGates:
    @pytest.mark.parametrize("name", TWO_INPUTS)
    def test_two_inputs(self, name: str) -> None:
        table = truth_table(Problem(gate=name), HERE)
        rows = list(itertools.product([False, True], repeat=2))
        assert table.inputs.tolist() == [[float(a), float(b)] for a, b in rows]
        assert table.targets.tolist() == [[float(TWO_INPUTS[name](a, b))] for a, b in rows]

    def test_the_sixteen_are_all_two_input_functions(self) -> None:
        columns = {
            tuple(truth_table(Problem(gate=name), HERE).targets.ravel()) for name in TWO_INPUTS
        }
        assert len(columns) == 16

    @pytest.mark.parametrize("n", range(2, 11))
    def test_parity_and_majority(self, n: int) -> None:
        rows = [tuple(map(int, f"{number:0{n}b}")) for number in range(2**n)]
        parity = truth_table(Problem(gate=f"PARITY-{n}"), HERE)
        majority = truth_table(Problem(gate=f"MAJORITY-{n}"), HERE)
        assert parity.inputs.tolist() == majority.inputs.tolist() == [list(row) for row in rows]
        assert parity.targets.ravel().tolist() == [row.count(1) % 2 for row in rows]
        expected = [float(row.count(1) > row.count(0)) for row in rows]
        assert majority.targets.ravel().tolist() == expected

    def test_names_and_sizes(self) -> None:
        assert len(gate_names()) == 16 + 9 + 9
        for name in gate_names():
            table = truth_table(Problem(gate=name), HERE)
            assert (table.n_patterns, table.n_inputs) == (2 ** GATES[name], GATES[name])
            assert table.n_outputs == 1
            assert table.name == name

    @pytest.mark.parametrize("gate", ["XOR", "TRUE", "FALSE"])
    def test_levels(self, gate: str) -> None:
        problem = Problem(gate=gate, inputs=(-1, 1), targets=(0.8, -0.4))
        table = truth_table(problem, HERE)
        assert table.inputs.tolist() == [[-1, -1], [-1, 1], [1, -1], [1, 1]]
        level = {False: 0.8, True: -0.4}
        rows = itertools.product([False, True], repeat=2)
        assert table.targets.ravel().tolist() == [level[TWO_INPUTS[gate](a, b)] for a, b in rows]
        # The middle is that of the levels, even where the gate shows only one of them.
        assert table.middles.tolist() == pytest.approx([0.2])
        assert table.tolerances.tolist() == [0.0]

    def test_one_hot(self) -> None:
        table = truth_table(Problem(gate="OR"), HERE, one_hot=True)
        assert table.targets.tolist() == [[1, 0], [0, 1], [0, 1], [0, 1]]
        assert table.middles.tolist() == [0.5, 0.5]
        assert table.tolerances.tolist() == [0.0, 0.0]

    def test_one_hot_needs_0_and_1(self) -> None:
        with pytest.raises(ExperimentError, match=r"gate OR: .* \[-1.0, 1.0\]; expected 0 and 1"):
            truth_table(Problem(gate="OR", targets=(-1, 1)), HERE, one_hot=True)

    def test_neither_gate_nor_table(self) -> None:
        with pytest.raises(ExperimentError, match="gate and table are missing"):
            truth_table(Problem(), HERE)

    def test_read_only_also_after_pickling(self) -> None:
        table = truth_table(Problem(gate="XOR"), HERE)
        for each in (table, pickle.loads(pickle.dumps(table))):
            for array in (each.inputs, each.targets, each.middles, each.tolerances):
                with pytest.raises(ValueError, match="read-only"):
                    array[0] = 7
            assert each.canonical() == table.canonical()

    def test_canonical_is_the_content(self) -> None:
        contents = {
            json.dumps(truth_table(problem, HERE).canonical())
            for name in gate_names()
            for problem in (Problem(gate=name), Problem(gate=name, targets=(-1, 1)))
        }
        # PARITY-2 and MAJORITY-2 are other names of XOR and AND.
        assert len(contents) == 2 * (len(gate_names()) - 2)

    def test_canonical_takes_no_notice_of_signed_zeros_and_memory_order(self) -> None:
        inputs = np.array([[0.0, 1.0], [2.0, 3.0]])
        shape = np.array([[0.0], [1.0]])
        one = TruthTable("one", inputs, shape, np.array([0.5]), np.array([0.0]))
        signed = np.array([[-0.0, 1.0], [2.0, 3.0]], order="F")
        two = TruthTable("two", signed, shape, np.array([0.5]), np.array([0.0]))
        assert one.canonical() == two.canonical()


class TestTables:
    def test_columns_keep_their_order(self, write: Callable[[str], Path]) -> None:
        path = write("y_out,b,y,yes,a,y12\n1,2,3,4,5,6\n7,8,9,10,11,12\n")
        table = truth_table(Problem(table=path.name), path.parent)
        assert table.inputs.tolist() == [[2, 4, 5], [8, 10, 11]]
        assert table.targets.tolist() == [[1, 3, 6], [7, 9, 12]]
        assert table.name == "table.csv"

    def test_absolute_path(self, write: Callable[[str], Path]) -> None:
        path = write("a,y\n0,1\n1,0\n")
        table = truth_table(Problem(table=str(path)), Path("/nowhere"))
        assert table.targets.ravel().tolist() == [1, 0]

    @settings(deadline=None)
    @given(
        values=st.integers(1, 4).flatmap(
            lambda n: st.lists(
                st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * n),
                min_size=1,
                max_size=20,
            )
        ),
        terminator=st.sampled_from(["\n", "\r\n"]),
        quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        encoding=st.sampled_from(["utf-8", "utf-8-sig"]),
        blank=st.integers(0, 3),
    )
    def test_every_number_comes_back(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        values: list[tuple[float, ...]],
        terminator: str,
        quoting: Any,
        encoding: str,
        blank: int,
    ) -> None:
        text = io.StringIO()
        writer = csv.writer(text, quoting=quoting, lineterminator=terminator)
        writer.writerow([*(f"größe {i}" for i in range(len(values[0]))), "y"])
        for number, row in enumerate([*values, values[0]]):
            writer.writerow([*map(repr, row), number])
        path = tmp_path_factory.mktemp("csv") / "t.csv"
        path.write_bytes((text.getvalue() + terminator * blank).encode(encoding))
        inputs, targets, *_ = read_table(path)
        assert inputs.tolist() == [list(row) for row in [*values, values[0]]]
        assert targets.ravel().tolist() == list(range(len(values) + 1))

    def test_repeated_and_contradicting_rows(self, write: Callable[[str], Path]) -> None:
        inputs, targets, *_ = read_table(write("a,y\n0,1\n0,1\n0,0\n"))
        assert inputs.tolist() == [[0], [0], [0]]
        assert targets.tolist() == [[1], [1], [0]]

    def test_spaces_and_blank_lines(self, write: Callable[[str], Path]) -> None:
        inputs, targets, *_ = read_table(write('\n a , y\n\n 0 , "1"\n  \n1,0'))
        assert (inputs.tolist(), targets.tolist()) == ([[0], [1]], [[1], [0]])

    def test_byte_order_mark(self, write: Callable[[bytes], Path]) -> None:
        inputs, targets, *_ = read_table(write(b"\xef\xbb\xbfy,a\r\n0,2\r\n1,3\r\n"))
        assert (inputs.tolist(), targets.tolist()) == ([[2], [3]], [[0], [1]])

    def test_middles_and_tolerances(self, write: Callable[[str], Path]) -> None:
        path = write("a,y1,y2,y3\n0,-1,0,1.6e308\n1,3,10,1.2e308\n2,3,1,1.6e308\n3,3,4,1.6e308\n")
        table = truth_table(Problem(table=path.name), path.parent)
        assert table.middles.tolist() == pytest.approx([1.0, np.nan, 1.4e308], nan_ok=True)
        assert table.tolerances.tolist() == [0.0, 0.5, 0.0]

    def test_one_hot(self, write: Callable[[str], Path]) -> None:
        path = write("a,y1,y2,y3\n0,1,0,0\n1,0,0.25,0.75\n2,0,1,0\n")
        table = truth_table(Problem(table=path.name), path.parent, one_hot=True)
        assert table.targets.tolist() == [[1, 0, 0], [0, 0.25, 0.75], [0, 1, 0]]
        assert table.middles.tolist() == pytest.approx([0.5, np.nan, 0.375], nan_ok=True)
        assert table.tolerances.tolist() == [0.0, 0.125, 0.0]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (
                "a,y\n0,0\n1,0.5\n2,1\n",
                "the target levels are [0.0, 0.5, 1.0]; expected a class in",
            ),
            ("a,y1,y2\n0,0,1\n1,0.5,0.6\n", "data row 2 has the targets [0.5, 0.6]"),
            ("a,y1,y2\n0,0,1\n1,-1,2\n2,2,-1\n", "(2 such rows); expected probabilities"),
        ],
    )
    def test_one_hot_refuses(
        self, write: Callable[[str], Path], content: str, message: str
    ) -> None:
        path = write(content)
        with pytest.raises(ExperimentError) as caught:
            truth_table(Problem(table=path.name), path.parent, one_hot=True)
        assert str(caught.value).startswith(f"{path}: ")
        assert message in str(caught.value)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "the file is empty; expected a header"),
            ("\n\n", "the file is empty; expected a header"),
            ("a,b,y\n", "the file has no data rows; expected at least one"),
            (
                "a;b;y\n0,5;1;1\n",
                "column a is '0,5'; expected a finite number. Write a decimal poi",
            ),
            ("0,5;1;1\n2;1;0\n", "line 1, column 1 is '0,5'; expected a finite number. Write a"),
            (
                "# xor\na,b,y\n0,1,1\n",
                "is '# xor'; expected a header or numbers. Remove the comment.",
            ),
            ("@RELATION xor\n@ATTRIBUTE a REAL\n", "line 1 is '@RELATION xor'; expected CSV, this"),
            ("% XOR\n@relation xor\n", "this is ARFF. Save the lines below @data as CSV"),
            ("% XOR\n% of two\na,b,y\n", "numbers. Remove the comments; of ARFF, save the lines"),
            ("%fat,y\n1,1\n", "column y is 1.0 in every row"),
            ("bool_in=2\nreal_in=0\n", "this is data of Proben1. Remove the seven lines above"),
            ("-1 1:0.5 2:1\n+1 2:1\n", "this is data of LIBSVM. scikit-learn's load_svmlight"),
            ("a,b,Y\n0,1,1\n", "names the columns a, b, Y; expected a target column named y"),
            ("a,b,Y\n0,1,1\n", "y<digits> or y_<name>. Set problem.target_columns to ['Y']."),
            ("a,b,Y_red\n0,1,1\n", "or y_<name>. Set problem.target_columns to ['Y_red']."),
            ("a,b,species\n0,1,setosa\n", "Set problem.target_columns to ['species']."),
            ("a,b,c\n0,1,1\n", "Name the columns that are to be learnt in problem.target_colu"),
            ("4,2,off,on\n0,1,1\n", "Remove the line if it counts rows and inputs, as scikit-le"),
            ("4,a,b\n0,1,1\n", "Name the columns that are to be learnt in problem.target_colu"),
            ("y,y1\n0,1\n", "line 1 names the columns y, y1; expected an input column"),
            ("a,a,y\n0,1,1\n", "line 1 names column 'a' 2 times; expected once"),
            (",a,y\n0,1,1\n", "line 1, column 1 has no name; expected one. Name it or remove it"),
            ("a,y,\n0,1,\n", "has no name; expected one. Name it, or remove the separator at th"),
            ("a,y\ntrue,1\n", "'true'; expected a finite number. Write 0 and 1."),
            ("a,y\n0,red\n1,red\n", "column y is 'red' in every row; a truth table needs two"),
            ("a,y\n0,red\n1,2\n", "line 3, column y is '2'; expected a class, as above it."),
            ("a,y\n0,red\n1,\n", "line 3, column y is missing; expected a class, as above it."),
            ("a,y\nred,1\n", "number. Write numbers, or leave the column out: problem.ignored_col"),
            ("a,y\n0,1\n# end,0\n", "'# end'; expected a finite number. Remove comments."),
            (b"PK\x03\x04\x14\0\0", "the file is a workbook; expected text. Save it as CSV."),
            ("a,y\n0,\n1,1\n", "line 2, column y is missing; expected a finite number"),
            ("a,y\n0,0\n\n ,1\n", "line 4, column a is missing; expected a finite number"),
            ("a,y\n0,1\n0,zero\n", "line 3, column y is 'zero'; expected a finite number"),
            ("a,y\nnan,1\n", "line 2, column a is 'nan'; expected a finite number"),
            ("a,y\n1e999,1\n", "line 2, column a is '1e999'; expected a finite number"),
            ("a,y\n1_000,1\n", "line 2, column a is '1_000'; expected a finite number"),
            ("a,y\n\u0663,1\n", "line 2, column a is '\u0663'; expected a finite number"),
            ('a,y\n"0,5",1\n', "column a is '0,5'; expected a finite number. Write a decimal poi"),
            ("a,y\n0,\x1b[2J\n", r"line 2, column y is '\x1b[2J'; expected a finite number"),
            ("a,y\n0\n", "line 2 has 1 cell; expected 2, one for each of a, y"),
            ("a,y\n0,1,\n", "line 2 has 3 cells; expected 2, one for each of a, y"),
            ("a,y\n0,1\n1,1\n", "column y is 1.0 in every row; a truth table needs two different"),
            ("a,y\n0,1\n", "column y is 1.0 in every row; a truth table needs two different"),
            ('a,y\n"0,1\n1,0\n', "line 2 is not CSV"),
            ('a,y\n"0"1,1\n', "line 2 is not CSV"),
            (b"a,y\n0,1\n\xff,0\n", r"line 3 holds the byte b'\xff'; expected UTF-8 text"),
            ("a,y\n0,1\n".encode("utf-16"), r"line 1 holds the byte b'\xff'; expected UTF-8"),
            (b"a,y\n0,\x001\n", "line 2 holds a NUL character"),
            (b"a,y\r0,1\r1,0\r", "line 1 holds a bare carriage return; expected LF or CRLF"),
            (b"a,y\n" + b"0" * 2**21, "line 2 is over 1,048,576 bytes long"),
        ],
    )
    def test_refuses(
        self, write: Callable[[str | bytes], Path], content: str | bytes, message: str
    ) -> None:
        path = write(content)
        (line,) = refusal(path)
        assert line.startswith(f"{path}: ")
        assert message in line
        assert line.isprintable()
        assert len(line) < len(str(path)) + 200

    def test_all_problems_at_once(self, write: Callable[[str], Path]) -> None:
        lines = refusal(write("a,y\n0\n?,\n1,1\n2,x\n"))
        assert [line.partition(": ")[2].partition(";")[0] for line in lines] == [
            "line 2 has 1 cell",
            "line 3, column a is '?'",
            "line 3, column y is missing",
            "line 5, column y is 'x'",
        ]

    def test_a_hint_is_given_once(self, write: Callable[[str], Path]) -> None:
        lines = refusal(write("a,b,y\nTrue,red,0\nFalse,green,1\n"))
        assert [line.partition("number.")[2][:16] for line in lines] == [
            " Write 0 and 1.",
            " Write numbers, ",
            "",
            "",
        ]

    def test_a_table_as_pandas_writes_it(self, tmp_path: Path) -> None:
        frame = pd.DataFrame({"a": [0, 1], "y": [0, 1]})
        path = tmp_path / "table.csv"
        frame.to_csv(path)
        (line,) = refusal(path)
        assert "pandas leaves its index out with to_csv(..., index=False)." in line
        assert read_table(path, ColumnChoice(ignored=("",))).input_names == ("a",)
        frame.to_csv(path, index=False)
        assert read_table(path).target_names == ("y",)

    def test_ten_problems_and_a_count(self, write: Callable[[str], Path]) -> None:
        lines = refusal(write("a,y\n" + "x,1\n" * 25))
        assert len(lines) == 11
        assert lines[-1] == "and 15 more."

    def test_what_ends_the_reading_is_told_after_many_problems(
        self, write: Callable[[bytes], Path]
    ) -> None:
        lines = refusal(write(b"a,y\n" + b"x,1\n" * 25 + b"\xff\n"))
        assert len(lines) == 11
        assert "line 27 holds the byte" in lines[9]
        assert lines[-1] == "and 16 more."

    @pytest.mark.parametrize(
        ("content", "one_hot", "text"),
        [
            ("x,y,label\n0,1,1\n1,0,0\n", False, "2 rows; inputs x, label; target y."),
            (
                "a,y1,y2\n0,0,0.5\n1,1,0.1\n2,0,0\n",
                False,
                "3 rows; input a; targets y1, y2. Solved: y2 is within 0.05 of its target (half "
                "the smallest gap between its targets).",
            ),
            ("a,y\n0,0\n1,1\n", True, "2 rows; input a; targets 1 - y, y."),
            ("a,y1,y2\n0,0.2,0.8\n1,0.4,0.6\n2,1,0\n", True, "3 rows; input a; targets y1, y2."),
        ],
    )
    def test_columns_and_what_is_right_in_words(
        self, write: Callable[[str], Path], content: str, one_hot: bool, text: str
    ) -> None:
        path = write(content)
        table = truth_table(Problem(table=path.name), path.parent, one_hot=one_hot)
        assert table.description(by_class=one_hot) == f"table.csv: {text}"
        again = pickle.loads(pickle.dumps(table))
        assert again.description(by_class=one_hot) == f"table.csv: {text}"

    def test_many_columns_are_counted_and_a_gate_has_none(
        self, write: Callable[[str], Path]
    ) -> None:
        names = ",".join(f"x{i}" for i in range(11))
        path = write(f"{names},y\n{'0,' * 11}0\n{'1,' * 11}1\n")
        table = truth_table(Problem(table=path.name), path.parent)
        assert "x6, x7 and 3 more; target y." in table.description(by_class=False)
        assert truth_table(Problem(gate="XOR"), HERE).description(by_class=False) == ""

    def test_row_limit(self, write: Callable[[str], Path]) -> None:
        rows = "0,1\n1,0\n" * (MAX_ROWS // 2)
        inputs, *_ = read_table(write("a,y\n" + rows))
        assert inputs.shape == (MAX_ROWS, 1)
        (line,) = refusal(write("a,y\n" + rows + "0,1\n"))
        assert "line 100002 is one row too many; expected at most 100,000" in line

    def test_a_huge_file_is_not_read(self, write: Callable[[str], Path]) -> None:
        path = write("a,y\n0,1\n")
        with path.open("r+b") as file:
            file.truncate(MAX_BYTES + 1)
        tracemalloc.start()
        try:
            (line,) = refusal(path)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert "the file has 67,108,865 bytes; expected at most 67,108,864" in line
        assert peak < 2**20

    def test_no_such_file(self, tmp_path: Path) -> None:
        assert refusal(tmp_path / "none.csv") == [
            f"{tmp_path / 'none.csv'}: the file does not exist; "
            "expected a CSV table (problem.table)."
        ]

    @pytest.mark.parametrize(
        ("path", "state"), [("/dev/zero", "is not a regular file"), ("/tmp", "is a folder")]
    )
    def test_not_a_file(self, path: str, state: str) -> None:
        (line,) = refusal(Path(path))
        assert line.startswith(f"{path}: the file {state}")

    def test_names_that_the_file_system_refuses(self) -> None:
        assert "exist" in refusal(Path("a\0b"))[0]
        assert "cannot be read" in refusal(Path("x" * 5000))[0]
