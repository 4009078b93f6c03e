"""
The language of the rules: conditions over named facts that a doctor can read, in three-valued logic.

    t_lowest < value and any(fracture, fragility and months_ago <= 24)
    has(stroke) and months_since(stroke) <= 12
    count(fracture, site == "vertebra") >= 2
    frax_mof_pct > 1.2 * by_age(intervention)

Words: ``and or not``, ``< <= > >= == !=``, ``in [...]``, ``*``, numbers, "texts", facts by name, and

* ``any(kind, condition)``, ``count(kind, condition)``: over the patient's fractures, drugs or scans
* ``has(disease)``, ``months_since(disease)``, ``taking(drug)``, ``months_on(drug)``; a drug may be a class or a kind
* ``recorded(disease)``, ``dated(disease)``: it is known to be there, its date is known; never unknown
* ``known(fact)``; ``by_age(table)`` of the guideline

An unknown fact makes a condition unknown (None) unless the rest decides it. Nothing is ever passed to ``eval``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from osteon.core.errors import ConfigError

__all__ = ["Answer", "Condition", "Facts", "Value", "parse"]


class _Span(NamedTuple):
    """A number that lies between two bounds, because some facts are unknown."""

    low: float
    high: float


Value = float | str | bool | None
_Inner = Value | _Span
_NOTHING: Mapping[str, Value] = MappingProxyType({})
_NO_WHY: frozenset[str] = frozenset()


class Answer(NamedTuple):
    """What a condition says: True, False or None (unknown), and the facts that would decide it."""

    value: Value
    missing: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    The world a condition is judged in.

    Attributes
    ----------
    values : mapping
        Fact -> number, text, yes/no or None (unknown).
    items : mapping
        "fracture", "drug", "dxa" -> one mapping for each; None = nobody asked.
    diseases, disease_months : mapping
        Disease -> present; disease -> months since the latest event.
    diseases_complete : bool
        Diseases that are not listed are absent.
    needs : mapping
        Derived fact -> the entries of the patient file it is made from and that are unknown.
    definitions : mapping
        Names a guideline gives to conditions of its own.
    tables : mapping
        Name -> function of age.
    """

    values: Mapping[str, Value]
    items: Mapping[str, tuple[Mapping[str, Value], ...] | None]
    diseases: Mapping[str, bool]
    disease_months: Mapping[str, float | None]
    diseases_complete: bool
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    definitions: Mapping[str, Condition] = field(default_factory=dict)
    tables: Mapping[str, Callable[[float], float]] = field(default_factory=dict)

    def having(self, **values: Value) -> Facts:
        """The same facts with others on top."""
        return replace(self, values={**self.values, **values})


class _Found(NamedTuple):
    value: _Inner
    missing: frozenset[str] = _NO_WHY


Step = Callable[[Facts, Mapping[str, Value]], _Found]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, read once; ``text`` as written, ``names`` the facts and ``codes`` the diseases and drugs it speaks of."""

    text: str
    names: frozenset[str]
    codes: frozenset[tuple[str, str]]
    step: Step = field(repr=False, compare=False)

    def holds(self, facts: Facts, **values: Value) -> Answer:
        """
        Judge the condition; ``values`` are names of the rule itself, such as its ``value``.

        Examples
        --------
        >>> facts = Facts(values={"t_lowest": -3.1, "age_years": None}, items={"fracture": None}, diseases={},
        ...               disease_months={}, diseases_complete=False)
        >>> parse("t_lowest < value").holds(facts, value=-3.0).value
        True
        >>> parse("t_lowest > -2.5 and age_years >= 70").holds(facts)
        Answer(value=False, missing=frozenset())
        >>> parse("age_years >= 70 or t_lowest > -2.5").holds(facts)
        Answer(value=None, missing=frozenset({'age_years'}))
        """
        found = self.step(facts, values)
        if isinstance(found.value, _Span):
            return Answer(None, found.missing)
        return Answer(found.value, found.missing if found.value is None else _NO_WHY)


_TOKEN = re.compile(
    r'\s*(?:(\d+(?:\.\d+)?|-\d+(?:\.\d+)?)|("[^"]*")|([A-Za-z_]\w*)|(<=|>=|==|!=|[<>()\[\],*]))'
)
_ORDER: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


def parse(text: str) -> Condition:
    """
    Read a condition.

    Raises
    ------
    ConfigError
        It is not in the language.
    """
    reader = _Reader(text)
    step = reader.either()
    if reader.here is not None:
        raise reader.wrong("the end")
    return Condition(text, frozenset(reader.names), frozenset(reader.codes), step)


def _tokens(text: str) -> Iterator[str]:
    place, text = 0, text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ConfigError(f"condition {text!r}: cannot read {text[place:].strip()!r}.")
        yield match.group(match.lastindex or 0)
        place = match.end()


class _Reader:
    """Recursive descent: one method for each level of binding, each returning a step to run later."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.left = list(_tokens(text))
        self.names: set[str] = set()
        self.codes: set[tuple[str, str]] = set()

    @property
    def here(self) -> str | None:
        return self.left[0] if self.left else None

    def wrong(self, expected: str) -> ConfigError:
        return ConfigError(
            f"condition {self.text!r}: {self.here or 'the end'!r} where {expected} is expected."
        )

    def take(self, *allowed: str) -> str:
        if self.here is None or (allowed and self.here not in allowed):
            raise self.wrong(" or ".join(map(repr, allowed)) or "more")
        return self.left.pop(0)

    def word(self) -> str:
        if self.here is None or not re.fullmatch(r"[A-Za-z_]\w*", self.here):
            raise self.wrong("a name")
        return self.left.pop(0)

    def either(self) -> Step:
        steps = [self.both()]
        while self.here == "or":
            self.take()
            steps.append(self.both())
        return steps[0] if len(steps) == 1 else _junction(steps, decides=True)

    def both(self) -> Step:
        steps = [self.negated()]
        while self.here == "and":
            self.take()
            steps.append(self.negated())
        return steps[0] if len(steps) == 1 else _junction(steps, decides=False)

    def negated(self) -> Step:
        if self.here != "not":
            return self.compared()
        self.take()
        inner = self.negated()

        def step(facts: Facts, local: Mapping[str, Value]) -> _Found:
            found = inner(facts, local)
            return _Found(None if found.value is None else not found.value, found.missing)

        return step

    def compared(self) -> Step:
        left = self.product()
        if self.here == "in":
            self.take()
            self.take("[")
            options = [self.literal()]
            while self.take(",", "]") == ",":
                options.append(self.literal())
            return _member(left, tuple(options))
        if self.here in {"<", "<=", ">", ">=", "==", "!="}:
            sign = self.take()
            return _comparison(sign, left, self.product())
        return left

    def product(self) -> Step:
        left = self.operand()
        while self.here == "*":
            self.take()
            left = _times(left, self.operand())
        return left

    def literal(self) -> Value:
        token = self.take()
        if token.startswith('"'):
            return token[1:-1]
        if re.fullmatch(r"-?\d+(?:\.\d+)?", token):
            return float(token)
        if token in {"true", "false"}:
            return token == "true"
        self.left.insert(0, token)
        raise self.wrong('a number or a "text"')

    def operand(self) -> Step:
        if self.here == "(":
            self.take()
            inner = self.either()
            self.take(")")
            return inner
        if self.here is not None and (self.here[0] in '"-0123456789' or self.here in {"true", "false"}):
            value = self.literal()
            return lambda _facts, _local: _Found(value)
        name = self.word()
        if self.here != "(":
            self.names.add(name)
            return _fact(name)
        self.take()
        step = self.call(name)
        self.take(")")
        return step

    def call(self, name: str) -> Step:
        if name in {"any", "count"}:
            kind = self.word()
            self.codes.add(("kind", kind))
            self.take(",")
            return _over(kind, self.either(), count=name == "count")
        if name not in _CALLS:
            raise ConfigError(
                f"condition {self.text!r}: no function {name!r}.",
                hint=f"Known: any, count, {', '.join(_CALLS)}.",
            )
        argument = self.word()
        if name == "known":
            self.names.add(argument)
        else:
            self.codes.add(
                (
                    "table" if name == "by_age" else "drug" if name in {"taking", "months_on"} else "disease",
                    argument,
                )
            )
        return _CALLS[name](argument)


def _junction(steps: list[Step], *, decides: bool) -> Step:
    """``and`` (a False decides) or ``or`` (a True decides); otherwise unknown as soon as a part is."""

    def step(facts: Facts, local: Mapping[str, Value]) -> _Found:
        missing, unknown = _NO_WHY, False
        for part in steps:
            found = part(facts, local)
            if found.value is None:
                missing, unknown = missing | found.missing, True
            elif bool(found.value) is decides:
                return _Found(decides)
        return _Found(None if unknown else not decides, missing)

    return step


def _comparison(sign: str, left: Step, right: Step) -> Step:
    def step(facts: Facts, local: Mapping[str, Value]) -> _Found:
        a, b = left(facts, local), right(facts, local)
        missing = a.missing | b.missing
        if a.value is None or b.value is None:
            return _Found(None, missing)
        if sign in {"==", "!="}:
            if isinstance(a.value, _Span) or isinstance(b.value, _Span):
                return _Found(None, missing)
            return _Found((a.value == b.value) is (sign == "=="))
        if isinstance(a.value, str) or isinstance(b.value, str):
            raise ConfigError(f"{a.value!r} {sign} {b.value!r}: a text has no order.")
        order = _ORDER[sign]
        seen = {order(x, y) for x in _ends(a.value) for y in _ends(b.value)}
        return _Found(seen.pop()) if len(seen) == 1 else _Found(None, missing)

    return step


def _ends(value: float | _Span) -> tuple[float, ...]:
    return (value.low, value.high) if isinstance(value, _Span) else (float(value),)


def _member(left: Step, options: tuple[Value, ...]) -> Step:
    def step(facts: Facts, local: Mapping[str, Value]) -> _Found:
        found = left(facts, local)
        return found if found.value is None else _Found(found.value in options)

    return step


def _times(left: Step, right: Step) -> Step:
    def step(facts: Facts, local: Mapping[str, Value]) -> _Found:
        a, b = left(facts, local), right(facts, local)
        if isinstance(a.value, int | float) and isinstance(b.value, int | float):
            return _Found(round(float(a.value) * float(b.value), 9))  # 1.2 x 19.2 is 23.04
        return _Found(None, a.missing | b.missing)

    return step


def _fact(name: str) -> Step:
    def step(facts: Facts, local: Mapping[str, Value]) -> _Found:
        if name in local:
            value = local[name]
            if value is not None:
                return _Found(value)
            name_in_item = f"{local.get('kind', 'rule')}.{name}"
            return _Found(None, frozenset(facts.needs.get(name_in_item, (name_in_item,))))
        if name in facts.definitions:
            return facts.definitions[name].step(facts, {})
        if name not in facts.values:
            raise ConfigError(f"there is no fact {name!r}.")
        value = facts.values[name]
        return _Found(value, _NO_WHY if value is not None else frozenset(facts.needs.get(name, (name,))))

    return step


def _over(kind: str, condition: Step, *, count: bool) -> Step:
    def step(facts: Facts, local: Mapping[str, Value]) -> _Found:
        items = facts.items.get(kind)
        if items is None:
            return _Found(_Span(0, float("inf")) if count else None, frozenset({f"{kind}s"}))
        answers = [condition(facts, {**local, **item, "kind": kind}) for item in items]
        sure = sum(answer.value is True for answer in answers)
        open_ = [answer for answer in answers if answer.value is None]
        missing = frozenset[str]().union(*(answer.missing for answer in open_))
        if count:
            return _Found(_Span(sure, sure + len(open_)) if open_ else float(sure), missing)
        return _Found(True) if sure else _Found(None if open_ else False, missing)

    return step


def _has(code: str) -> Step:
    def step(facts: Facts, _local: Mapping[str, Value]) -> _Found:
        value = facts.diseases.get(code, False if facts.diseases_complete else None)
        return _Found(value, _NO_WHY if value is not None else frozenset({f"disease.{code}"}))

    return step


def _months_since(code: str) -> Step:
    def step(facts: Facts, _local: Mapping[str, Value]) -> _Found:
        value = facts.disease_months.get(code)
        return _Found(value, _NO_WHY if value is not None else frozenset({f"disease.{code}.date"}))

    return step


def _speaks_of(drug: Mapping[str, Value], code: str) -> bool:
    return code in (drug["drug"], drug["drug_class"], drug["effect"])


def _taking(code: str) -> Step:
    def step(facts: Facts, _local: Mapping[str, Value]) -> _Found:
        drugs = facts.items.get("drug")
        if drugs is None:
            return _Found(None, frozenset({"drugs"}))
        answers = {drug["taken_now"] for drug in drugs if _speaks_of(drug, code)}
        if True in answers:
            return _Found(True)
        return _Found(None, frozenset({"drug.taken_now"})) if None in answers else _Found(False)

    return step


def _months_on(code: str) -> Step:
    def step(facts: Facts, _local: Mapping[str, Value]) -> _Found:
        drugs = facts.items.get("drug")
        if drugs is None:
            return _Found(None, frozenset({"drugs"}))
        months = [drug["months"] for drug in drugs if _speaks_of(drug, code)]
        known = sum(float(value) for value in months if isinstance(value, int | float))
        if None in months:
            return _Found(_Span(known, float("inf")), frozenset({"drug.months"}))
        return _Found(known)

    return step


def _known(name: str) -> Step:
    inner = _fact(name)
    return lambda facts, local: _Found(inner(facts, local).value is not None)


def _recorded(code: str) -> Step:
    return lambda facts, _local: _Found(facts.diseases.get(code) is True)


def _dated(code: str) -> Step:
    return lambda facts, _local: _Found(facts.disease_months.get(code) is not None)


def _by_age(table: str) -> Step:
    def step(facts: Facts, _local: Mapping[str, Value]) -> _Found:
        if table not in facts.tables:
            raise ConfigError(f"there is no table {table!r}.")
        age = facts.values.get("age_years")
        return (
            _Found(facts.tables[table](float(age)))
            if isinstance(age, int | float)
            else _Found(None, frozenset({"age_years"}))
        )

    return step


_CALLS: Mapping[str, Callable[[str], Step]] = {
    "by_age": _by_age, "dated": _dated, "has": _has, "known": _known, "months_on": _months_on, "months_since": _months_since,
    "recorded": _recorded, "taking": _taking,
}  # fmt: skip
