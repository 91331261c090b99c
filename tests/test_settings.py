"""The settings: read once from the environment, told apart from misspellings, listed for README."""

from __future__ import annotations

from pathlib import Path

import pytest

from infrastructure.settings import (
    PREFIX,
    Settings,
    SettingsProblem,
    default_data_dir,
    read_settings,
    settings_table,
)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what the caller's environment sets."""
    for setting in settings_table():
        monkeypatch.delenv(setting.name, raising=False)


def test_without_settings_an_office_is_served_on_this_machine_alone() -> None:
    """The defaults: the program's own server, and nobody else on the network."""
    settings = read_settings()
    assert settings.database_url is None
    assert settings.host == "127.0.0.1"
    assert settings.port == 8000
    assert settings.server_dir == settings.data_dir / "postgresql"
    assert settings.key_file == settings.data_dir / "master.key"


def test_every_journal_has_its_own_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two offices in one data folder mix neither keys nor checkpoints; either may lie elsewhere."""
    first = read_settings().evidence_places
    monkeypatch.setenv("TAIZHANG_OFFICE_SCHEMA", "other")
    second = read_settings().evidence_places
    assert not set(first) & set(second)
    assert all(read_settings().data_dir in path.parents for path in (*first, *second))
    assert second.folder not in second.key_file.parents  # copied away, it must not hold the key
    monkeypatch.setenv("TAIZHANG_EVIDENCE_DIR", "/mnt/once")
    monkeypatch.setenv("TAIZHANG_SIGNING_KEY_FILE", "~/signing.key")
    monkeypatch.setenv("HOME", "/home/a")
    assert read_settings().evidence_places == (Path("/home/a/signing.key"), Path("/mnt/once"))


@pytest.mark.parametrize(
    ("xdg", "home", "expected"),
    [
        ("/x/share", "/home/a", "/x/share/taizhang"),
        ("", "/home/a", "/home/a/.local/share/taizhang"),
    ],
)
def test_the_data_go_where_a_users_data_go(
    monkeypatch: pytest.MonkeyPatch, xdg: str, home: str, expected: str
) -> None:
    """XDG_DATA_HOME is heeded; empty, it counts as unset."""
    monkeypatch.setenv("XDG_DATA_HOME", xdg)
    monkeypatch.setenv("HOME", home)
    assert default_data_dir() == Path(expected)


def test_without_a_home_the_accounts_own_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services are started with no HOME at all; data never go to the root of the disk."""
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", "")
    assert default_data_dir().is_absolute()
    assert default_data_dir() != Path("/.local/share/taizhang")


def test_a_path_may_be_relative_or_start_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever folder the program later works in, a path means what it meant at the start."""
    monkeypatch.setenv("HOME", "/home/a")
    monkeypatch.setenv("TAIZHANG_DATA_DIR", "~/office")
    monkeypatch.setenv("TAIZHANG_MASTER_KEY_FILE", "key")
    assert read_settings().data_dir == Path("/home/a/office")
    assert read_settings().key_file == Path.cwd() / "key"


def test_a_password_never_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the settings as text nor a complaint quotes what the environment holds."""
    monkeypatch.setenv("TAIZHANG_DATABASE_URL", "postgresql://office:hush@db/office")
    assert "hush" not in repr(read_settings())
    monkeypatch.setenv("TAIZHANG_PORT", "hush")
    with pytest.raises(SettingsProblem) as complaint:
        read_settings()
    assert "hush" not in str(complaint.value)


def test_every_wrong_value_is_named_with_what_it_should_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All complaints at once, in Chinese, by the variable's name."""
    monkeypatch.setenv("TAIZHANG_PORT", "70000")
    monkeypatch.setenv("TAIZHANG_POOL_SIZE", "many")
    with pytest.raises(SettingsProblem) as complaint:
        read_settings()
    assert "TAIZHANG_PORT 的值不能用（网页服务的端口，须为 1 至 65535 的整数）" in str(
        complaint.value
    )
    assert "TAIZHANG_POOL_SIZE" in str(complaint.value)


@pytest.mark.parametrize("url", ["nonsense", "mysql://office:hush@db/office", "postgresql://[x"])
def test_what_is_no_connection_url_is_said_to_be_none(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Before anybody tries to connect, and without quoting the password in it."""
    monkeypatch.setenv("TAIZHANG_DATABASE_URL", url)
    with pytest.raises(SettingsProblem, match="TAIZHANG_DATABASE_URL 的值不能用") as complaint:
        read_settings()
    assert "hush" not in str(complaint.value)


def test_a_misspelt_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An office that wrote TAIZHANG_DATADIR would otherwise keep its books elsewhere unawares."""
    monkeypatch.setenv("TAIZHANG_DATADIR", "/data")
    with pytest.raises(SettingsProblem, match="不认识这些设置：TAIZHANG_DATADIR"):
        read_settings()


def test_an_empty_value_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files pass variables on that nobody set."""
    monkeypatch.setenv("TAIZHANG_PORT", "")
    assert read_settings().port == 8000


def test_every_setting_is_listed_with_its_meaning() -> None:
    """The README's table is made from the settings themselves."""
    table = settings_table()
    assert len(table) == len(Settings.model_fields)
    assert all(row.name.startswith(PREFIX) and row.meaning for row in table)
    assert {row.name: row.default for row in table}["TAIZHANG_PORT"] == "8000"
    assert all(field.title for field in Settings.model_fields.values())
