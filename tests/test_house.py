"""The house's own rules: floors, order, sizes, names. Each first proves that it found something."""

from __future__ import annotations

import ast
import re
import sys
import tokenize
from pathlib import Path

import pytest

from application import books  # noqa: F401  (fills the registers below)
from application.access import ROLE_TITLES
from application.ledgers import LEDGERS, Ledger
from domain.deciding import COMMANDS, RULES
from domain.vocabulary import FACTS, Fact
from infrastructure.settings import settings_table
from interface.cli import make_parser

ROOT = Path(__file__).parents[1]
FLOORS = ("domain", "application", "infrastructure", "interface")
MAY_IMPORT = {
    "domain": {"domain"},
    "application": {"domain", "application"},
    "infrastructure": {"domain", "application", "infrastructure"},
    "interface": {"domain", "application", "interface"},
}
COMPOSITION_ROOTS = {"interface/app.py", "interface/cli.py"}
STORY_ORDER = (
    "journal",
    "settings",
    "documents",
    "institutions",
    "quotas",
    "staffing",
    "laws",
    "rights",
)
DOMAIN_LIBRARIES = {"pydantic", "pydantic_core", "typing_extensions"}
LONGEST_FILE = 450
LONGEST_TEST = 600
NOT_TO_BE_SPLIT = {"interface/verify.py": 525}
"""Handed out alone, to run anywhere: its story must stand in one file."""


def sources(*floors: str) -> list[Path]:
    """Every Python file of these floors."""
    found = [path for floor in floors for path in sorted((ROOT / floor).rglob("*.py"))]
    assert len(found) >= 3 * len(floors), "the house has moved: no sources found"
    return found


def imports(path: Path) -> set[str]:
    """Return every module that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def relative(path: Path) -> str:
    """Return the path as the documents write it."""
    return path.relative_to(ROOT).as_posix()


def own_facts() -> dict[str, type[Fact]]:
    """Every fact of the product; tests declare some of their own, named ``test.…``."""
    found = {name: fact for name, fact in FACTS.items() if not name.startswith(("test.", "toy."))}
    assert len(found) >= 20
    return found


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_imports_only_what_lies_below_it(floor: str) -> None:
    """Interface → application → domain; infrastructure is seen by the composition roots alone."""
    for path in sources(floor):
        allowed = set(MAY_IMPORT[floor])
        if relative(path) in COMPOSITION_ROOTS or relative(path).startswith("interface/cli"):
            allowed.add("infrastructure")
        used = {name.partition(".")[0] for name in imports(path)} & set(FLOORS)
        assert used <= allowed, f"{relative(path)} imports {used - allowed}"


def test_the_domain_knows_the_standard_library_and_pydantic() -> None:
    """No clock, no I/O, no event-sourcing library on the lowest floor."""
    for path in sources("domain"):
        outside = {n.partition(".")[0] for n in imports(path)} - sys.stdlib_module_names
        assert outside <= DOMAIN_LIBRARIES | {"domain"}, relative(path)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"today", "now", "utcnow"} or _asks_the_past(node), (
                    relative(path)
                )


def _asks_the_past(node: ast.Attribute) -> bool:
    value = node.value
    return (isinstance(value, ast.Name) and value.id in {"past", "self"}) or (
        isinstance(value, ast.Attribute) and value.attr in {"past", "_past"}
    )


def test_only_the_journal_knows_the_event_sourcing_library() -> None:
    """Version 10 of the library renames what we use: the change must stay in one file."""
    users = {
        relative(path)
        for path in sources(*FLOORS)
        if any(name.partition(".")[0] == "eventsourcing" for name in imports(path))
    }
    assert users == {"infrastructure/journal.py"}
    used = {n for n in imports(ROOT / "infrastructure/journal.py") if n.startswith("eventsourcing")}
    # Its projections commit an event at a time and end with their connection: none of them here.
    assert used == {
        "eventsourcing.dcb.api",
        "eventsourcing.dcb.postgres_tt",
        "eventsourcing.persistence",
        "eventsourcing.postgres",
    }


def test_facts_are_stored_under_names_and_never_python_paths() -> None:
    """Moving or renaming a class must not orphan what was stored."""
    for name, fact in own_facts().items():
        assert re.fullmatch(r"[a-z]+\.[a-z]+(-[a-z]+)*", name), name
        assert fact.__name__ not in name
        assert fact.__module__ not in name


def test_contexts_read_only_those_before_them() -> None:
    """Contexts stand in story order; where an earlier must heed a later, the later comes to it."""
    ranks = {name: rank for rank, name in enumerate(STORY_ORDER)}
    seen = 0
    for path in sources("domain"):
        context = path.stem.partition("_")[0]
        if context not in ranks:
            continue
        seen += 1
        for name in imports(path):
            floor, _, module = name.partition(".")
            other = module.partition("_")[0]
            if floor == "domain" and other in ranks:
                assert ranks[other] <= ranks[context], f"{relative(path)} reads {name}"
    assert seen >= len(STORY_ORDER)


def test_no_file_has_outgrown_its_story() -> None:
    """A file that passes about 400 lines is split by story."""
    limits = dict.fromkeys(sources(*FLOORS), LONGEST_FILE)
    limits |= dict.fromkeys(sorted((ROOT / "tests").glob("*.py")), LONGEST_TEST)
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in limits}
    limits |= {ROOT / name: limit for name, limit in NOT_TO_BE_SPLIT.items()}
    too_long = {relative(path): n for path, n in lengths.items() if n > limits[path]}
    assert not too_long


def test_every_fact_is_shown_or_ignored_by_name_in_its_contexts_ledgers() -> None:
    """Nobody adds a fact that no book tells of without saying so."""
    told = {fact for ledger in LEDGERS.values() for fact in _told(ledger)}
    silent = {name for name, fact in own_facts().items() if fact not in told}
    assert not silent


def _told(ledger: object) -> tuple[type, ...]:
    if isinstance(ledger, Ledger):
        return (*ledger.facts, *ledger.ignores)
    return tuple(getattr(ledger, "facts", ()))


def test_every_fact_is_called_something_in_chinese() -> None:
    """Readers of the journal are told what an entry is in the office's words, no two alike."""
    called = [fact.fact_title for fact in own_facts().values()]
    assert len(set(called)) == len(called)
    assert all(re.search(r"[\u4e00-\u9fff]", title) for title in called)


def test_every_rule_says_what_it_wants_and_on_what_basis() -> None:
    """The rule book is for clerks and auditors: Chinese sentences with their legal basis."""
    assert len(RULES) >= 15
    for rule in RULES.values():
        assert re.search(r"[\u4e00-\u9fff]", rule.title), rule.name
        assert re.search(r"[\u4e00-\u9fff]", rule.basis), rule.name


def test_every_command_has_a_chinese_name() -> None:
    """Commands are the request bodies: their names and fields are read by clerks."""
    assert len(COMMANDS) >= 15
    for kind, command in COMMANDS.items():
        assert re.search(r"[\u4e00-\u9fff]", command.title), kind
        for name, field in command.model_fields.items():
            assert field.title, f"{kind}.{name} has no Chinese title"


def test_nothing_is_left_for_later() -> None:
    """No note to oneself, no swallowed exception, no address of a package registry."""
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    files = [*sources(*FLOORS), *sources("tests")]
    for path in files:
        if path.name == "test_house.py":
            continue
        with tokenize.open(path) as file:
            for token in tokenize.generate_tokens(file.readline):
                if token.type == tokenize.COMMENT:
                    assert not words.search(token.string), f"{relative(path)}:{token.start[0]}"
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                silent = len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
                assert not silent, f"{relative(path)}:{node.lineno} swallows an exception"


# ── the documents ────────────────────────────────────────────────────────────────────────────

GLOSSARY = re.compile(r"^\| (\S+) \| (.+?) \| `(.+?)` \|$", re.MULTILINE)
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/glossary.md", "docs/format.md")
OUR_FILE = re.compile(rf"`((?:{'|'.join((*FLOORS, 'tests', 'bench', 'docs'))})/[\w/.-]*)`")


def read(name: str) -> str:
    """Return one of the documents."""
    return (ROOT / name).read_text("utf-8")


def test_every_word_of_the_glossary_is_where_it_says() -> None:
    """Both the office's word and the code's occur in the file that owns them."""
    lines = GLOSSARY.findall(read("docs/glossary.md"))
    assert len(lines) > 60
    for chinese, english, name in lines:
        text = read(name)
        assert chinese in text, f"{chinese} is not in {name}"
        assert english in text, f"{english} is not in {name}"


def test_every_ledger_and_every_role_is_in_the_glossary() -> None:
    """What a reader meets first."""
    words = {chinese for chinese, _, _ in GLOSSARY.findall(read("docs/glossary.md"))}
    assert {ledger.title for ledger in LEDGERS.values()} <= words
    assert set(ROLE_TITLES.values()) <= words


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_that_documents_name_are_there(name: str) -> None:
    """Nobody is sent to a file that has moved; ``<context>`` stands for any."""
    named = OUR_FILE.findall(read(name))
    assert named
    missing = [path for path in named if not (ROOT / path).exists()]
    assert not missing


def test_the_readme_lists_every_setting_as_it_is() -> None:
    """The table is made from the settings themselves (`settings_table`)."""
    text = read("README.md")
    for setting in settings_table():
        default = f"`{setting.default}`" if setting.default else ""
        assert f"| `{setting.name}` | {default} | {setting.meaning} |" in text


def test_commands_that_documents_name_are_there() -> None:
    """Every make target and every taizhang command of README and CONTRIBUTING."""
    text = read("README.md") + read("CONTRIBUTING.md")
    targets = set(re.findall(r"\bmake ([a-z]+)\b", text))
    assert {"demo", "test", "check", "bench"} <= targets
    phony = re.search(r"^\.PHONY: (.*)$", read("Makefile"), re.MULTILINE)
    assert phony
    assert targets <= set(phony[1].split())
    words = set(re.findall(r"taizhang ([a-z]+)\b", text))
    assert len(words) >= 6
    for word in words:
        assert f"  {word} " in make_parser().format_help(), word
