"""The demonstration and a client of it where there is no network, for tests to start.

    unshare --net python offline_program.py          raise the loop, serve below, ask, report
    python offline_program.py serve                  serve, and report whoever looks beyond the loop

Each line of output is JSON.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from typing import Any

import httpx

from interface.cli import main
from interface.cli_demo import DEMO_ACCOUNTS, DEMO_PASSWORD

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_ADDRESS = f"http://127.0.0.1:{os.environ['TAIZHANG_PORT']}"
_ASKED = (
    "/openapi.json",
    "/api/rules",
    "/api/ledgers/roster?limit=3",
    "/api/ledgers/quota_book?valid_on=2022-12-31",
    "/api/ledgers/movements.xlsx",
    "/api/journal?limit=3",
)


def say(**report: Any) -> None:
    """Report to whoever watches."""
    print(json.dumps(report, ensure_ascii=False), flush=True)  # noqa: T201 - its very purpose


def raise_the_loop() -> None:
    """Bring up the loopback interface, which is down in a new network namespace."""
    with socket.socket() as control:
        asked = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, _SIOCGIFFLAGS, asked))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Report a connection or a look-up that leaves the machine (an audit hook)."""
    if event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = str(arguments[0])
    elif event in {"socket.connect", "socket.sendto"} and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
    else:
        return
    if host not in {"127.0.0.1", "::1"}:
        say(beyond=f"{event} {host}")


def serve() -> int:
    """Serve the demonstration under watch; a look-up of its own shows that the watch is awake."""
    sys.addaudithook(watch)
    try:
        socket.create_connection(("192.0.2.1", 9), timeout=5).close()
    except OSError as error:
        say(cut_off=str(error))
    return main(["demo"])


def ask(program: subprocess.Popen[bytes]) -> None:
    """Do a little of everything over HTTP."""
    with httpx.Client(base_url=_ADDRESS, trust_env=False, timeout=60) as client:
        while True:
            try:
                say(path="/health", status=client.get("/health").status_code)
                break
            except httpx.TransportError:
                if program.poll() is not None:
                    return
                time.sleep(0.1)
        login = {"name": DEMO_ACCOUNTS[0][0], "password": DEMO_PASSWORD}
        token = client.post("/api/login", json=login).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        for path in _ASKED:
            say(path=path, status=client.get(path).status_code)


def both() -> int:
    """Serve and ask; return how the program ended."""
    raise_the_loop()
    with subprocess.Popen([sys.executable, __file__, "serve"]) as program:
        ask(program)
        program.send_signal(signal.SIGINT)
    return program.returncode


if __name__ == "__main__":
    sys.exit(serve() if sys.argv[1:] == ["serve"] else both())
