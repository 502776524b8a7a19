"""Cases that are one request: rows of request, expected status and members."""
import dataclasses
import re
import uuid

from client import DROP
from suite import CASES, Case

ABSENT = object()  # a member that must not be there
TEXT = re.compile(r"\S", re.S)
CHANGED = {"PRV": "ERR-06 PRV-21 ORP-06", "UPD": "ERR-06 ERR-08 UPD-17"}


@dataclasses.dataclass(frozen=True)
class Row:
    """The standard request of `call` with changes, and what must come back. on: see World.target; word: of `error`;
    see: member path ("metadata.labels") to a value, a pattern, a type, or ABSENT."""
    rules: str
    what: str
    call: str
    want: object  # a status, or several
    body: dict = dataclasses.field(default_factory=dict)
    query: object = dataclasses.field(default_factory=dict)
    on: str = "new"
    word: str = None
    see: dict = dataclasses.field(default_factory=dict)
    headers: dict = dataclasses.field(default_factory=dict)
    raw: bytes = None
    version: str = None


def member(body, path):
    for name in path.split("."):
        if not isinstance(body, dict) or name not in body:
            return ABSENT
        body = body[name]
    return body


def fits(value, wanted):
    if wanted is ABSENT or value is ABSENT:
        return value is wanted
    if isinstance(wanted, re.Pattern):
        return isinstance(value, str) and bool(wanted.search(value))
    return isinstance(value, wanted) if isinstance(wanted, type) else value == wanted


def expect(t, w, rules, what, answer, want, word=None, see=None):
    """Checks status, error word and members of an answer; gives whether all held."""
    wanted = want if isinstance(want, tuple) else (want,)
    good = t.check(rules, what, answer.status in wanted, f"wanted {want}, got {answer.status} {answer.body}")
    if word:
        good = t.check(rules, f"{what}: {word}", member(answer.body, "error") == word, answer.body) and good
    for path, value in (see or {}).items():
        good = t.check(rules, f"{what}: {path}", fits(member(answer.body, path), w.fill(value)), answer.body) and good
    return good


def run_row(t, w, row):
    instance, binding = w.target(row.on)
    client = w.client.with_version(row.version) if row.version else w.client
    of_binding = binding if row.call in ("BND", "GBN", "UNB", "LOB") else None
    before = w.known_state(instance, of_binding)
    answer = client.ask(row.call, instance, binding, w.fill(row.body), w.fill(row.query), row.headers, row.raw)
    expect(t, w, row.rules, f"{row.call} {row.what}", answer, row.want, row.word, row.see)
    if answer.status >= 400 and row.call in ("PRV", "UPD", "DEP", "BND", "UNB"):
        after = w.state(instance, of_binding)
        t.check(CHANGED.get(row.call, "ERR-06 ORP-06"), f"{row.call} {row.what}: nothing is changed", before == after, f"{before} became {after}")
    if row.call == "PRV" and row.on == "new" and answer.status in (201, 202):
        w.client.drop(instance)


def table(rows, needs=None):
    """Makes each row a case of its own."""
    for row in rows:
        CASES.append(Case(f"{row.call} {row.what}", lambda t, w, row=row: run_row(t, w, row), [], needs, False, False))


def without_each(call, names, rules, **more):
    """Rows of the body members `names` left out, null, empty and of other types: all 400. rules: by name."""
    wrong = [(DROP, "missing"), (None, "null"), ("", "empty"), (5, "a number"), ([], "an array"), ({}, "an object")]
    return [Row(f"{rules[name]} CON-07", f"{name} {what}", call, 400, {name: value}, **more) for name in names for value, what in wrong]


__all__ = ["ABSENT", "DROP", "Row", "TEXT", "expect", "fits", "member", "table", "uuid", "without_each"]
