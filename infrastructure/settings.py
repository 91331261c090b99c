"""What an operator may set (设置): environment variables, read once when the program starts.

Everything has a default that serves a single office on one machine. Nothing else in the program
reads the environment, and nothing reads a setting at import.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from infrastructure.evidence_folder import EvidencePlaces

PREFIX = "TAIZHANG_"
FOR_TESTS = "TAIZHANG_TEST_"


class SettingsProblem(Exception):
    """A setting cannot be used; the message names it and what it should be, in Chinese."""


def default_data_dir() -> Path:
    """Return the folder for an office's data: XDG's place for a user's data, plus ``taizhang``."""
    # An empty XDG_DATA_HOME or HOME counts as unset, as the XDG specification asks.
    home = os.environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
    share = os.environ.get("XDG_DATA_HOME") or f"{home}/.local/share"
    return Path(share) / "taizhang"


class Settings(BaseSettings):
    """The settings. A field's title is what a clerk is told, its description what README says."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    database_url: SecretStr | None = Field(
        default=None,
        title="PostgreSQL 连接地址，例如 postgresql://用户:密码@主机/库名",
        description="URL of a PostgreSQL 15 or later to use instead of the program's own server.",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        title="数据文件夹的位置",
        description="Folder of the office's data: the program's own database, the keys, and the "
        "checkpoints unless they have a place of their own.",
    )
    master_key_file: Path | None = Field(
        default=None,
        title="主密钥文件的位置",
        description="File of the master key that seals personal data; without it, `master.key` "
        "in the data folder, made at the first start.",
    )
    signing_key_file: Path | None = Field(
        default=None,
        title="检查点签名密钥文件的位置",
        description="File of the keys that sign the journal's checkpoints; without it, "
        "`evidence-<schema>.key` in the data folder, made at the first start.",
    )
    evidence_dir: Path | None = Field(
        default=None,
        title="外存文件夹（存放检查点和散列块）的位置",
        description="Folder outside the database where checkpoints are kept, best on another disk "
        "or share that only adds; without it, `evidence/<schema>` in the data folder.",
    )
    office_schema: str = Field(
        default="office",
        pattern=r"^[a-z][a-z0-9_]{0,40}$",
        title="数据库模式名，须为小写字母开头的字母、数字、下划线，不超过 41 个字符",
        description="Database schema that holds the office; one schema, one office.",
    )
    pool_size: int = Field(
        default=8,
        ge=2,
        le=50,
        title="数据库连接数上限，须为 2 至 50 的整数",
        description="Most database connections the program keeps open, 2 to 50.",
    )
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        title="网页服务的监听地址",
        description="Address to serve on; the default is reachable from this machine only.",
    )
    port: int = Field(
        default=8000,
        ge=1,
        le=65535,
        title="网页服务的端口，须为 1 至 65535 的整数",
        description="Port to serve on.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        title="日志级别，须为 debug、info、warning、error 之一",
        description="Least important log line to write: debug, info, warning or error.",
    )
    log_format: Literal["console", "json"] = Field(
        default="console",
        title="日志格式，须为 console 或 json",
        description="How log lines look: `console` for people, `json` for collectors.",
    )

    @field_validator("database_url")
    @classmethod
    def _readable(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            try:
                conninfo_to_dict(url.get_secret_value())
            except ProgrammingError as error:
                raise ValueError("not a connection URL") from error
        return url

    @field_validator("data_dir", "master_key_file", "signing_key_file", "evidence_dir")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()

    @property
    def server_dir(self) -> Path:
        """The embedded server's own part of the data folder."""
        return self.data_dir / "postgresql"

    @property
    def key_file(self) -> Path:
        """The master key's file, wherever it was put."""
        return self.master_key_file or self.data_dir / "master.key"

    @property
    def evidence_places(self) -> EvidencePlaces:
        """Where the signing keys and the folder outside the database are.

        Offices that share a data folder share neither: each journal has its own.
        """
        return EvidencePlaces(
            self.signing_key_file or self.data_dir / f"evidence-{self.office_schema}.key",
            self.evidence_dir or self.data_dir / "evidence" / self.office_schema,
        )


def read_settings() -> Settings:
    """Read the environment once.

    Raises:
        SettingsProblem: a value cannot be used, or a variable with our prefix is unknown
            (most likely misspelt, so that its intended setting would silently not hold).
    """
    unknown = sorted(unknown_variables(os.environ))
    if unknown:
        raise SettingsProblem(
            f"不认识这些设置：{'、'.join(unknown)}。请检查拼写；全部设置见 README。"
        )
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsProblem("；".join(_complaints(error)) + "。") from None


def unknown_variables(environment: Mapping[str, str]) -> set[str]:
    """Return the variables that carry our prefix but are no setting of ours."""
    known = {setting.name for setting in settings_table()}
    return {
        name
        for name in environment
        if name.startswith(PREFIX) and not name.startswith(FOR_TESTS) and name not in known
    }


def _complaints(error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        field = str(detail["loc"][0])
        name = f"{PREFIX}{field.removeprefix(PREFIX.lower()).upper()}"
        yield f"设置 {name} 的值不能用（{Settings.model_fields[field].title}）"


class Setting(NamedTuple):
    """One line of the README's table."""

    name: str
    default: str
    meaning: str


def settings_table() -> list[Setting]:
    """Return every setting: the variable's name, its default as text, and what it means."""
    return [
        Setting(f"{PREFIX}{name.upper()}", _default_text(name), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def _default_text(name: str) -> str:
    if name == "data_dir":
        return "~/.local/share/taizhang"
    default = Settings.model_fields[name].default
    return "" if default is None else str(default)
