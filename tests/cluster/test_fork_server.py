"""What Python would have a fork server run is understood, or left to a process of its own."""

import pytest

from runner.cluster.fork_server import _arguments

START = "from multiprocessing.forkserver import main; "


def test_the_call_of_a_fork_server_is_read_with_its_keywords() -> None:
    code = START + "main(3, 4, ['a', 'b'], **{'sys_path': ['/x'], 'authkey_r': 5}, other=None)"
    named = {"sys_path": ["/x"], "authkey_r": 5, "other": None}
    assert _arguments(code) == ([3, 4, ["a", "b"]], named)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "main(3",
        START + "main(3, path)",
        START + "serve(3, 4)",
        START + "x = main(3, 4)",
        START + "main(3, **3)",
        START + "main(3); done()",
    ],
)
def test_code_of_another_form_is_left_to_a_process_of_its_own(code: str) -> None:
    assert _arguments(code) is None
