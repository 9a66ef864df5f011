"""What can be chosen by name: kinds, methods with their parameters, and the text form `name(k=v)`.

A method is one function or class in one file, marked with `method`. Its parameters are its
keyword-only arguments, its summary the first line of its docstring, its version what its code and
the prompts beside it are. A choice is a method with arguments; written down it is `rrf(k=5)`, and
that text is its identity wherever a name is accepted: settings, command line, server, experiments.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import math
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from types import MappingProxyType
from typing import Any, TypeVar

from q2e.allowed import allowed
from q2e.errors import ConfigError, Q2EError, unknown
from q2e.versions import files_of
from q2e.written import in_words, parsed, told, without_secrets

#: What chooses no method, where a kind may be left out.
NONE = "none"
_MARK = "__q2e_method__"
#: A mark in the text of a file: the kind, the name where it is not the file's, and what is said.
_MARKED = re.compile(r'^@method\(\s*"(\w+)"(?:,\s*"([^"]+)")?,?([^()]*)\)?', re.MULTILINE)
#: What is said of a method that is no fact of its kind.
_NO_FACTS = ("source", "needs")

Made = TypeVar("Made", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Kind:
    """A place that methods fill; with `optional`, `none` is a choice too."""

    name: str
    summary: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """One keyword-only argument of a method."""

    name: str
    annotation: Any
    default: Any
    description: str = ""

    def checked(self, value: object) -> Any:
        """Return a value as the parameter's type. Raises ValueError saying what is allowed."""
        from pydantic import ConfigDict, TypeAdapter, ValidationError

        arbitrary = ConfigDict(arbitrary_types_allowed=True)
        config = None if isinstance(self.annotation, type) else arbitrary
        try:
            checked = TypeAdapter(self.annotation, config=config).validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            if first["type"] == "value_error":
                raise ValueError(first["msg"].removeprefix("Value error, ")) from None
            raise ValueError(f"must be {allowed(self.annotation)}") from None
        # No formula is meant for them, whatever range it states.
        if isinstance(checked, float) and not math.isfinite(checked):
            raise ValueError("must be a finite number")
        return checked

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of its values, with the default."""
        from pydantic import TypeAdapter

        return TypeAdapter(self.annotation).json_schema() | {"default": self.default}

    @property
    def allowed(self) -> str:
        """Its values in words, such as `above 0, at most 10`."""
        return in_words(self.schema())


@dataclass(frozen=True, eq=False)
class Method:
    """One way of doing what a kind is for."""

    kind: str
    name: str
    make: Callable[..., Any]
    """The function itself, or the class whose instances do it."""
    source: str = ""
    """Where it was published."""
    needs: tuple[str, ...] = ()
    """What it cannot do without: tasks of models, or extras of this package."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else its kind wants to know of it."""

    @property
    def summary(self) -> str:
        return (inspect.getdoc(self.make) or "").partition("\n")[0]

    @property
    def details(self) -> str:
        """What its docstring says after the summary."""
        return (inspect.getdoc(self.make) or "").partition("\n")[2].strip()

    @property
    def told(self) -> Mapping[str, Any]:
        """Those of its facts that are words and numbers."""
        plain = (str, bool, int, float)
        return {name: one for name, one in self.facts.items() if isinstance(one, plain)}

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """Its parameters by name, in the order of its signature."""
        names = vars(sys.modules[self.make.__module__])
        found = {}
        for one in inspect.signature(self.make).parameters.values():
            if one.kind is inspect.Parameter.KEYWORD_ONLY and one.default is not one.empty:
                # Only these: other arguments may have types that are imported for checking alone.
                hint = one.annotation
                hint = eval(hint, names) if isinstance(hint, str) else hint
                found[one.name] = Parameter(one.name, hint, one.default, _description(hint))
        return MappingProxyType(found)

    @cached_property
    def version(self) -> str:
        """12 hexadecimal digits that change with its code.

        That is its module, the modules of the same folder that it takes from, and the prompts
        beside them.
        """
        digest = hashlib.sha256()
        for path in files_of(inspect.unwrap(self.make).__module__):
            for one in (path, *sorted(path.parent.glob(f"{path.stem}*.j2"))):
                digest.update(one.read_bytes())
        return digest.hexdigest()[:12]

    def choice(self, given: Mapping[str, Any]) -> Choice:
        """Return it with arguments, checked. Raises ConfigError saying what is allowed."""
        arguments = {}
        for key, value in given.items():
            if key not in self.parameters:
                what = f"parameter of {self.kind} {self.name}"
                raise ConfigError(unknown(what, key, self.parameters))
            try:
                value = self.parameters[key].checked(value)
            except ValueError as error:
                shown = without_secrets(f"{key} = {value!r}")
                raise ConfigError(f"{self.kind} {self.name}: {shown}: {error}") from None
            if value != self.parameters[key].default:
                arguments[key] = value
        ordered = {key: arguments[key] for key in self.parameters if key in arguments}
        return Choice(self, MappingProxyType(ordered))


@dataclass(frozen=True)
class Choice:
    """A method with arguments; `arguments` holds those that are not its defaults."""

    method: Method
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return told(self.method.name, self.arguments)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Choice)
            and self.method is other.method
            and self.arguments == other.arguments
        )

    def __hash__(self) -> int:
        return hash((self.method.kind, str(self)))

    @property
    def name(self) -> str:
        return self.method.name

    @property
    def fingerprint(self) -> str:
        """What a result made by it is kept under: its text and the version of its code."""
        return f"{self.method.kind}:{self}@{self.method.version}"

    def __getitem__(self, parameter: str) -> Any:
        """Return the value of a parameter, given or default."""
        return self.arguments.get(parameter, self.method.parameters[parameter].default)

    def filled(self, **values: Any) -> Choice:
        """Return it with those values that its method has a parameter for and that it lacks.

        Raises ConfigError for a value that is not allowed.
        """
        more = {name: value for name, value in values.items() if name in self.method.parameters}
        return self.method.choice(more | dict(self.arguments))

    @cached_property
    def bound(self) -> Any:
        """The function with its arguments, or an instance of the class made with them."""
        if inspect.isclass(self.method.make):
            return self.method.make(**self.arguments)
        return partial(self.method.make, **self.arguments)


def method(
    kind: str, name: str = "", *, source: str = "", needs: tuple[str, ...] = (), **facts: Any
) -> Callable[[Made], Made]:
    """Mark a function or class as a method of a kind; by default it has the name of its file."""

    def marked(made: Made) -> Made:
        own = name or made.__module__.rpartition(".")[2]
        setattr(made, _MARK, Method(kind, own, made, source, needs, MappingProxyType(facts)))
        return made

    return marked


def method_of(made: Callable[..., Any]) -> Method:
    """Return the method that a function or class is marked as. Raises ConfigError for others."""
    mark = getattr(made, _MARK, None)
    if not isinstance(mark, Method):
        raise ConfigError(f"{made!r} is no method; mark it with  @q2e.registry.method(KIND)")
    return mark


class Registry:
    """All kinds and their methods; those offered by dotted name are loaded when first used."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}
        self._methods: dict[str, dict[str, Method | str]] = {}
        self._unread: list[tuple[str, str]] = []
        self._said: dict[tuple[str, str], str] = {}
        """What marks in the text of our files say, as it stands there."""
        self._chosen: dict[tuple[str, str], Choice | None] = {}
        self._lock = RLock()

    # -- filling --------------------------------------------------------------------------------
    def kind(self, kind: Kind) -> None:
        """Add a kind."""
        self._kinds[kind.name] = kind
        self._methods.setdefault(kind.name, {})

    def add(self, made: Callable[..., Any]) -> None:
        """Add a function or class marked with `method`. Raises ConfigError for one that is not."""
        mark = method_of(made)
        self._put(mark.kind, mark.name, mark)

    def offer(self, kind: str, name: str, target: str) -> None:
        """Add what `target` (`package.module:attribute`) names; it is imported when first used."""
        self._put(kind, name, target)

    def folder(self, kind: str, package: str) -> None:
        """Offer what the files of a package mark as methods of a kind; they are read when asked.

        A file is imported when a method of it is first used: its mark is found in its text.
        """
        if kind not in self._kinds:
            raise ConfigError(unknown("kind of method", kind, self._kinds))
        self._unread.append((kind, package))

    def _read(self, kind: str) -> None:
        with self._lock:
            waiting = [package for own, package in self._unread if own == kind]
            self._unread = [one for one in self._unread if one[0] != kind]
            for package in waiting:
                for name, (target, said) in marked_in(kind, package).items():
                    # What a plugin has put in already stays.
                    if self._methods[kind].setdefault(name, target) is target:
                        self._said[kind, name] = said

    def _put(self, kind: str, name: str, what: Method | str) -> None:
        if kind not in self._kinds:
            raise ConfigError(unknown("kind of method", kind, self._kinds))
        with self._lock:
            self._methods[kind][name] = what
            self._said.pop((kind, name), None)
            self._chosen = {key: one for key, one in self._chosen.items() if key[0] != kind}

    # -- asking ---------------------------------------------------------------------------------
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(self._kinds.values())

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the names of a kind's methods, `none` first where that is a choice."""
        if kind not in self._kinds:
            raise ConfigError(unknown("kind of method", kind, self._kinds))
        self._read(kind)
        return (NONE,) * self._kinds[kind].optional + tuple(self._methods[kind])

    def get(self, kind: str, name: str) -> Method:
        """Return a method. Raises ConfigError for an unknown one."""
        known = self.names(kind)
        with self._lock:
            found = self._methods[kind].get(name)
            if found is None:
                raise ConfigError(unknown(kind, name, known))
            if isinstance(found, str):
                found = self._methods[kind][name] = _loaded(kind, name, found)
            return found

    def facts(self, kind: str, name: str) -> Mapping[str, Any]:
        """Return the facts of a method, where its file says them plainly without loading it.

        Raises ConfigError for an unknown one.
        """
        if name in self.names(kind):
            said = self._said.get((kind, name), "()")
            with suppress(ValueError, SyntaxError):
                call = ast.parse(f"dict({said})", mode="eval").body
                if isinstance(call, ast.Call) and not call.args:
                    known = {one.arg: ast.literal_eval(one.value) for one in call.keywords}
                    return {str(k): v for k, v in known.items() if k not in _NO_FACTS}
        return self.get(kind, name).facts

    def all(self, kind: str) -> tuple[Method, ...]:
        """Return a kind's methods, loaded."""
        return tuple(self.get(kind, name) for name in self.names(kind) if name != NONE)

    def choose(self, kind: str, text: str) -> Choice | None:
        """Return what a text such as `rrf(k=5)` chooses; None for `none` of an optional kind.

        Raises ConfigError for an unknown name or parameter, a value that is not allowed, and a
        text that is not of this form.
        """
        key = (kind, text)
        if key not in self._chosen:
            self._chosen[key] = self._choice(kind, text)
        return self._chosen[key]

    def one(self, kind: str, text: str) -> Choice:
        """Return what a text chooses, of a kind that cannot be left out."""
        chosen = self.choose(kind, text)
        if chosen is None:
            raise ConfigError(unknown(kind, text, self._methods[kind]))
        return chosen

    def _choice(self, kind: str, text: str) -> Choice | None:
        name, given = parsed(text)
        if name == NONE and kind in self._kinds and self._kinds[kind].optional and not given:
            return None
        return self.get(kind, name).choice(given)


def marked_in(kind: str, package: str) -> dict[str, tuple[str, str]]:
    """Return {name: (module, what the mark says)} of a kind's methods in the files of a package."""
    spec = find_spec(package)
    found = {}
    for root in (spec.submodule_search_locations if spec else None) or ():
        for file in sorted(Path(root).rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            for own, name, said in _MARKED.findall(file.read_text("utf-8")):
                if own == kind:
                    found[name or parts[-1]] = ".".join((package, *parts)), said
    return found


def _loaded(kind: str, name: str, target: str) -> Method:
    module, _, attribute = target.partition(":")
    try:
        loaded = import_module(module)
    except Q2EError:
        raise
    except Exception as error:
        from importlib.metadata import packages_distributions

        # A stranger's code may raise anything; whoever does not use it never comes here.
        packages = packages_distributions().get(module.partition(".")[0], [module])
        raise ConfigError(
            f"{kind} {name!r} cannot be used, {module} does not load: {type(error).__name__}: "
            f"{error}; mend it, or  pip uninstall {packages[0]}"
        ) from error
    made = [getattr(loaded, attribute, None)] if attribute else list(vars(loaded).values())
    for mark in (getattr(one, _MARK, None) for one in made):
        if isinstance(mark, Method) and (mark.kind, mark.name) == (kind, name):
            return mark
    raise ConfigError(f"{target} holds no {kind} {name!r}; mark it with  @method({kind!r})")


def _description(hint: Any) -> str:
    told = (getattr(one, "description", None) for one in getattr(hint, "__metadata__", ()))
    return next((one for one in told if one), "")
