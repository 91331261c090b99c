"""How a decision is made: what it may ask, what it requires, what it answers.

    Command.decide(past) ──asks──► past.of(Standing, who)
          │                        past.require(rule, …) ──fails──► Refused
          └──yields──► Fact or Draft

Remembering never refuses and deciding never remembers: a standing only adds up what the entries
say, a rule is a named positive sentence over standings, and only a command refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    NamedTuple,
    Protocol,
    Self,
    TypeVar,
    overload,
)

from pydantic import BaseModel, ConfigDict, Field

from domain.codes import Named
from domain.vocabulary import (
    SECRECY,
    BusinessDate,
    Citation,
    Entry,
    Fact,
    LongText,
    Secrecy,
)


class Misfit(NamedTuple):
    """An entry that finds no footing in a fold: ``why`` in Chinese, as the clerk reads it."""

    position: int
    why: str


class Standing:
    """What the entries about one subject add up to, small enough to be folded anew.

    Subclasses are frozen; ``after`` returns the next, never refuses, never raises, never logs and
    reads nothing but the entry. An entry that has no footing (a leaving without an entering) is
    noted in ``misfits`` and otherwise passed over. Class keywords: ``subject`` the kind it is
    about; ``guards`` whether a new misfit refuses the filing that causes it.
    """

    subject: ClassVar[str]
    guards: ClassVar[bool] = False
    misfits: tuple[Misfit, ...] = ()

    def __init_subclass__(cls, *, subject: str = "", guards: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _enrol(cls, subject, guards=guards)

    @classmethod
    def begun(cls, who: str) -> Self:  # noqa: ARG003  (most standings need not know whose they are)
        """Return what stands about ``who`` before anything has been filed: nothing."""
        return cls()

    def after(self, entry: Entry) -> Self:
        """Return what stands once ``entry`` has taken effect too."""
        raise NotImplementedError


class Book:
    """What the entries about one large subject add up to, as sums that forget no order.

    The sums take entries one by one in any order of dates and take them back as exactly, so a
    late or voiding entry costs the same as the newest. Kept by the writer, changed in place.
    """

    subject: ClassVar[str]
    guards: ClassVar[bool] = False

    def __init_subclass__(cls, *, subject: str = "", guards: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _enrol(cls, subject, guards=guards)

    def __init__(self, who: str) -> None:
        """Open the book of subject ``who`` with nothing in it."""
        self.who = who

    def add(self, entry: Entry) -> None:
        """Add what ``entry`` moves (a void moves its target's movements back)."""
        raise NotImplementedError

    def remove(self, entry: Entry) -> None:
        """Take back exactly what ``add`` of the same entry added."""
        raise NotImplementedError

    def broken_by(self, entries: Iterable[Entry]) -> tuple[Misfit, ...]:  # noqa: ARG002
        """Name what these entries, already added, break on any day; nothing unless overridden."""
        return ()


KINDS: dict[str, list[type[Standing | Book]]] = {}
"""By subject kind: the standings and books about such subjects, those that guard them first."""


def _enrol(cls: Any, subject: str, *, guards: bool) -> None:
    cls.subject, cls.guards = subject, guards
    if subject:
        KINDS.setdefault(subject, []).append(cls)
        KINDS[subject].sort(key=lambda kind: not kind.guards)


S = TypeVar("S", bound="Standing | Book")


@dataclass(frozen=True)
class Hindrance:
    """Why a rule does not hold here: the case in Chinese, and the entries that stand in the way."""

    detail: str
    positions: tuple[int, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A named positive sentence, its legal basis and its check."""

    name: str
    version: int
    title: str
    basis: str
    check: Callable[..., bool | Hindrance]
    held_by_the_net: bool = False
    """Whether the soundness of standings and books, checked after every command, implies it.

    Where several commands are filed as one, such a rule need hold only for all of them together.
    """

    @cached_property
    def label(self) -> str:
        """``name@version``, as entries store it."""
        return f"{self.name}@{self.version}"

    def __call__(self, *args: Any, **kwargs: Any) -> bool | Hindrance:
        """Check the rule: True where it holds."""
        return self.check(*args, **kwargs)


RULES: dict[str, Rule] = {}
"""The rule book (规则册): every rule by name; filled as the contexts are imported."""


Check = Callable[..., bool | Hindrance]


@overload
def rule(check: Check) -> Rule: ...


@overload
def rule(*, version: int = 1, held_by_the_net: bool = False) -> Callable[[Check], Rule]: ...


def rule(
    check: Check | None = None, *, version: int = 1, held_by_the_net: bool = False
) -> Rule | Callable[[Check], Rule]:
    """Register a function as a rule; its docstring is the Chinese sentence, then ``依据:`` …."""

    def register(function: Check) -> Rule:
        # Chinese has no spaces between words: lines are joined as they are.
        text = "".join(line.strip() for line in (function.__doc__ or "").splitlines())
        title, _, basis = text.replace("依据：", "依据:").partition("依据:")
        if not title.strip() or not basis.strip() or function.__name__ in RULES:
            msg = f"rule {function.__name__} needs one name, a sentence and 依据:"
            raise TypeError(msg)
        sentence, why = title.strip(), basis.strip()
        made = Rule(function.__name__, version, sentence, why, function, held_by_the_net)
        RULES[made.name] = made
        return made

    return register if check is None else register(check)


class Refused(Exception):
    """A rule said no: which one, its basis, the case at hand and the entries in the way."""

    def __init__(self, rule: Rule, hindrance: Hindrance) -> None:
        """Refuse by ``rule`` because of ``hindrance``."""
        super().__init__(rule.name)
        self.rule = rule
        self.detail = hindrance.detail
        self.positions = hindrance.positions
        self.part = ""

    def __str__(self) -> str:
        """Return the whole of it: which part of the command, the rule, the case."""
        return f"{self._part}{self.rule.title}{self.detail}"

    @property
    def told(self) -> str:
        """The case, for readers who see the rule beside it."""
        return f"{self._part}{self.detail or self.rule.title}"

    @property
    def _part(self) -> str:
        return self.part and f"{self.part}："


@contextmanager
def naming(part: Callable[[], str]) -> Iterator[None]:
    """Let whoever is refused within know which part of his command is meant, as 第3项调整.

    ``part`` is asked only then. Parts within parts are told from the outermost on.
    """
    try:
        yield
    except Refused as refused:
        refused.part = "，".join(one for one in (part(), refused.part) if one)
        raise


class Past(Protocol):
    """What a decision may ask. It notes what was asked; the append is guarded by that."""

    @property
    def today(self) -> date:
        """The day of filing in the office's time zone (Asia/Shanghai)."""
        ...

    @property
    def actor(self) -> str:
        """The account that prepared the filing: for rules that keep duties apart."""
        ...

    def of(self, standing: type[S], who: str) -> S:
        """What stands about subject ``who``, this command's own facts so far included."""
        ...

    def setting(self, name: str, on: date) -> Any:
        """The value of a setting in force on that day."""
        ...

    def require(self, rule: Rule, *args: Any, **kwargs: Any) -> None:
        """Raise `Refused` unless the rule holds; note that it was asked."""
        ...

    def new_id(self) -> str:
        """A fresh internal id of which nothing is on record yet."""
        ...

    def person_known_by(self, id_no: str) -> str | None:
        """The person whom the identity index holds under this ID number, if any."""
        ...

    def entry(self, position: int) -> Entry | None:
        """The entry at that position, if there is one."""
        ...

    def voided_by(self, position: int) -> int | None:
        """The position of the entry that voids that one, if any."""
        ...


@dataclass(frozen=True)
class Draft:
    """A fact with the envelope fields that differ from its command's own.

    A draft that ``voids`` has no business date. ``filing`` is the command whose business date,
    basis, note and secrecy the entry carries where that is not the command being carried out.
    """

    fact: Fact
    effective_on: date | None = None
    place: int | None = None
    tags: tuple[str, ...] | None = None
    voids: int | None = None
    target: Entry | None = field(default=None, compare=False)
    filing: Command | None = field(default=None, compare=False)


Decision = Iterator[Fact | Draft]

_NAMED_BY_FIELD: Final = ("person", "institution", "approval")
"""Fields of commands that bear the name of the kind whose id they hold."""


class Command(BaseModel):
    """What somebody asks to be filed, in the imperative; also the body of the HTTP request.

    Class keywords: ``kind`` such as ``staffing.enter`` (its address is ``/api/staffing/enter``)
    and ``title``, its Chinese name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str] = ""
    title: ClassVar[str] = ""

    basis: Annotated[tuple[Citation, ...], Field(title="依据文件", max_length=50)] = ()
    note: Annotated[LongText | None, Field(title="备注")] = None
    secrecy: Annotated[Secrecy, Named(SECRECY), Field(title="密级")] = "internal"

    def __init_subclass__(cls, **_keywords: Any) -> None:
        """Leave the class keywords to `__pydantic_init_subclass__`, when the fields are known."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, *, kind: str = "", **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if not kind:
            return
        if kind in COMMANDS:
            msg = f"two commands are called {kind!r}"
            raise TypeError(msg)
        # ``title`` is also a word of pydantic's own, which keeps it for the JSON schema.
        cls.kind, cls.title = kind, cls.model_config.get("title") or kind
        COMMANDS[kind] = cls

    def business_date(self) -> date | None:
        """Return the business date of its facts; None where each of them brings its own."""
        return None

    def id_numbers(self) -> tuple[str, ...]:
        """Return the ID numbers that the decision will ask about.

        Named beforehand, those of a whole batch are looked up at once.
        """
        return ()

    def subjects(self) -> tuple[str, ...]:
        """Return the tags of the small subjects that the command's own fields name.

        Named beforehand, what stands about those of a whole batch is loaded at once.
        """
        fields = type(self).model_fields
        named = ((kind, getattr(self, kind)) for kind in _NAMED_BY_FIELD if kind in fields)
        return tuple(f"{kind}:{who}" for kind, who in named if isinstance(who, str))

    def decide(self, past: Past) -> Decision:
        """Yield the facts to be filed, or raise `Refused` and file nothing."""
        raise NotImplementedError


class DatedCommand(Command):
    """A command whose facts take effect on a day that the clerk gives."""

    effective_on: Annotated[BusinessDate, Field(title="业务生效日期")]

    def business_date(self) -> date:
        """Return the day the clerk gave."""
        return self.effective_on


COMMANDS: dict[str, type[Command]] = {}
"""Every command by its kind; filled as the contexts are imported."""

Guard = Callable[[Any, Past], None]
_GUARDS: dict[type[Command], list[Guard]] = {}


def guards(command: type[Command]) -> Callable[[Guard], Guard]:
    """Let a later context have its say before an earlier context's command is decided.

    A guard of `Command` itself is heard before every command.
    """

    def register(guard: Guard) -> Guard:
        _GUARDS.setdefault(command, []).append(guard)
        return guard

    return register


def decide(command: Command, past: Past) -> Decision:
    """Decide a command: first the guards of later contexts, then the command itself."""
    for kind in type(command).__mro__:
        for guard in _GUARDS.get(kind, ()):
            guard(command, past)
    yield from command.decide(past)
