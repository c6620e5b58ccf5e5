from __future__ import annotations

import http.client
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from runner.cluster.client import open_client
from runner.cluster.options import ClusterOptions

ROOT = Path(__file__).parents[2]


def get(url: str) -> tuple[int, str, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310
            return answer.status, answer.url, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, url, error.read()


@pytest.mark.parametrize("first", ["/status", "/", "/workers", "/nowhere"])
def test_the_link_that_a_sweep_prints_leads_to_the_dashboard(first) -> None:
    with open_client(ClusterOptions(workers=1)) as client:
        link = client.dashboard_link
        root = link.removesuffix("/status")
        assert get(f"{root}/health")[:2] == (200, f"{root}/health")
        status, url, page = get(root + first)
        if first == "/nowhere":
            assert status == 404
        else:
            assert (status, url) == (200, link if first == "/" else root + first)
            assert b"<title>Dask Diagnostic UI</title>" in page
        for _ in range(2):
            status, url, page = get(link)
            assert (status, url) == (200, link)
            assert b"<title>Dask Diagnostic UI</title>" in page


def test_the_first_visit_leads_nowhere_else() -> None:
    with open_client(ClusterOptions(workers=1)) as client:
        host = client.dashboard_link.removeprefix("http://").removesuffix("/status")
        with ExitStack() as visits:
            both = [
                visits.enter_context(closing(http.client.HTTPConnection(host, timeout=60)))
                for _ in range(2)
            ]
            for visit in both:  # before the first one is answered
                visit.putrequest("GET", "//elsewhere.example/x")
                visit.endheaders()
            first, second = (visit.getresponse() for visit in both)
            assert (first.status, first.headers["Location"]) == (302, "/elsewhere.example/x")
            assert second.status in (302, 404)
            assert second.headers.get("Location", "/").startswith("/")
            assert not second.headers.get("Location", "/").startswith("//")


def test_nobody_who_looks_costs_nothing() -> None:
    code = """if __name__ == "__main__":
    import sys
    from runner.cluster.client import open_client
    from runner.cluster.options import ClusterOptions
    with open_client(ClusterOptions(workers=1)) as client:
        assert client.dashboard_link.startswith("http://127.0.0.1:")
        client.submit(sum, [1, 2]).result()
        assert "bokeh" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
