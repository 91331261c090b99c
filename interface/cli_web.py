"""The web service itself: uvicorn around the application, until it is asked to end.

A module of its own, so that only those commands load the web service that serve it: loading it
takes a third of a second, which every other command would take longer too.
"""

from __future__ import annotations

import signal
import socket
from types import FrameType

import uvicorn

from application.collecting import settle
from infrastructure.office import Office
from interface.app import make_app
from interface.cli_office import out


def serve_until_asked(office: Office, host: str, port: socket.socket) -> None:
    """Serve on a port that was taken; return when interrupted or asked to end."""
    signal.signal(signal.SIGTERM, _end)
    app = make_app(office)
    settle()
    config = uvicorn.Config(
        app,
        host=host,
        port=port.getsockname()[1],
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    try:
        uvicorn.Server(config).run(sockets=[port])
    except KeyboardInterrupt:  # how a server that is asked to stop by Ctrl+C ends, in good order
        out.print("已停止。")


def _end(_: int, __: FrameType | None) -> None:
    raise SystemExit(0)
