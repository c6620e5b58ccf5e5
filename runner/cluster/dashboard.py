"""Dask's dashboard, loaded when somebody looks at it: that takes as long as a small sweep."""

from __future__ import annotations

from typing import Any

from tornado.web import Application, RequestHandler

SCHEDULER_OPTIONS = {"dashboard": False}
"""Options of a scheduler that is to be given to `open_on_demand`."""


def open_on_demand(scheduler: Any) -> None:
    """Have a scheduler of this process serve its dashboard from the first visit on.

    Parameters
    ----------
    scheduler : distributed.Scheduler
        Started with `SCHEDULER_OPTIONS`; its port for HTTP is open already.
    """
    routes = scheduler.http_application
    routes.add_application(Application([(r"/.*", _FirstVisit, {"scheduler": scheduler})]))


class _FirstVisit(RequestHandler):
    """Puts the dashboard in its own place, and the visitor in front of it."""

    def initialize(self, scheduler: Any) -> None:
        self.scheduler = scheduler

    def get(self) -> None:
        from distributed.dashboard.scheduler import connect

        routes = self.scheduler.http_application
        if self.application in routes.applications:  # else another visitor was faster
            connect(routes, self.scheduler.http_server, self.scheduler)
            routes.applications.remove(self.application)
        # one slash: after two a browser would look for a host
        self.redirect("/" + (self.request.uri or "").lstrip("/"))
