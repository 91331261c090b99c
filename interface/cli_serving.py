"""``taizhang serve``: the program with its web service."""

from __future__ import annotations

import argparse
import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Final

from infrastructure.accounts import Accounts
from infrastructure.office import Office
from infrastructure.settings import Settings, read_settings
from interface import logs
from interface.cli_office import CannotDo, Commands, err, evidence_of, out, working_office


def register(commands: Commands) -> None:
    """Add the command."""
    action = commands.add_parser(
        "serve",
        help="启动服务",
        description="启动台账服务，按 Ctrl+C 停止。设置见 taizhang settings。",
    )
    action.set_defaults(run=_serve)


def _serve(_: argparse.Namespace) -> int:
    settings = read_settings()
    logs.configure(settings.log_level, settings.log_format)
    load_the_web()
    with taking_port(settings) as port, working_office(settings) as office:
        evidence_of(office, settings)
        if not Accounts(office.database).all():
            err.print(
                "还没有账号。请先开设：taizhang user add 账号 --name 姓名 --role administrator"
            )
        out.print(f"台账服务已启动：{address_of(settings)}（按 Ctrl+C 停止）")
        serve(office, settings, port)
    return 0


# ── serving ──────────────────────────────────────────────────────────────────────────────────


def address_of(settings: Settings) -> str:
    """Return where the web service is reached."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


@contextmanager
def taking_port(settings: Settings) -> Iterator[socket.socket]:
    """Take the port before anything is started: taken ports are the commonest trouble."""
    try:
        listening = socket.create_server(
            (settings.host, settings.port),
            family=socket.AF_INET6 if ":" in settings.host else socket.AF_INET,
            backlog=2048,
        )
    except OSError as error:
        raise CannotDo(
            f"不能在 {settings.host}:{settings.port} 提供服务：{_why(error)}。数据未作改动。"
        ) from error
    with listening:
        yield listening


_REASONS: Final = {
    errno.EADDRINUSE: "这个端口已被其他程序占用（也可能服务已经在运行）；可用 TAIZHANG_PORT 换一个",
    errno.EACCES: "当前用户无权使用这个端口；请用 TAIZHANG_PORT 换一个 1024 以上的",
    errno.EADDRNOTAVAIL: "本机没有这个地址；请检查 TAIZHANG_HOST",
}


def _why(error: OSError) -> str:
    if error.errno is not None and error.errno < 0:  # a name that no look-up knows
        return "无法识别这个地址；请检查 TAIZHANG_HOST"
    return _REASONS.get(error.errno or 0, f"系统答复“{error.strerror}”")


def load_the_web() -> None:
    """Begin to load the web service beside what takes its time anyway: the database starts."""
    threading.Thread(target=import_module, args=("interface.cli_web",), daemon=True).start()


def serve(office: Office, settings: Settings, port: socket.socket) -> None:
    """Serve until interrupted or asked to end; then let the office close in good order."""
    from interface.cli_web import serve_until_asked  # noqa: PLC0415  (not loaded by other commands)

    serve_until_asked(office, settings.host, port)
