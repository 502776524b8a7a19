"""Rules, cases and outcomes: what was checked, what it said, and the table of both in the README."""
import collections
import os
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
UNCHECKED = "no case has checked it"
BEGIN, END = "<!-- outcomes -->", "<!-- /outcomes -->"
Rule = collections.namedtuple("Rule", "id level section title")
Case = collections.namedtuple("Case", "name function rules needs flow slow")
CASES = []


class NotApplicable(Exception):
    """Raised by a case that has nothing to ask of this broker; the text says why."""


def case(rules="", needs=None, flow=False, slow=False):
    """A case is a function(t, w). `rules`: those that it alone checks. `needs`: what only a broker that the suite started can give
    ("its own Kubernetes"); such a case is left out against any other. `flow`: it also runs on real pods.
    `slow`: it is begun first."""
    def register(function):
        CASES.append(Case(f"{function.__module__}.{function.__name__}", function, rules.split(), needs, flow, slow))
        return function
    return register


def read_rules():
    with open(os.path.join(HERE, "rules.tsv")) as file:
        rows = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    return {row[0]: Rule(*row) for row in rows}


class Outcomes:
    """Counts checks by rule; used by many threads."""

    def __init__(self, rules, never=(), verbose=False, foreign=False, quiet=False):
        self.rules, self.never, self.verbose, self.foreign, self.quiet = rules, dict(never), verbose, foreign, quiet
        self.good, self.bad, self.reasons = collections.Counter(), collections.defaultdict(list), {}
        self.cases, self.local = collections.defaultdict(set), threading.local()  # by rule: who checks it
        self.crashed, self.lock = [], threading.Lock()
        unknown = set(never) - set(rules)
        if unknown:
            raise KeyError(f"no such rules: {sorted(unknown)}")

    def check(self, rules, what, good, detail=""):
        """Counts a check for each of the rules ("PRV-12 LOI-01"); gives whether it held."""
        with self.lock:
            for rule in rules.split():
                if rule not in self.rules:
                    raise KeyError(f"{what}: rules.tsv has no rule {rule}")
                self.cases[rule].add(getattr(self.local, "case", None))
                if good:
                    self.good[rule] += 1
                else:
                    self.bad[rule].append(what)
            if not self.quiet and (not good or self.verbose):
                print(f"{'ok   ' if good else 'FAIL '} {rules} {what}{'' if good else ': ' + str(detail)[:1200]}", flush=True)
        return bool(good)

    def equal(self, rules, what, got, wanted):
        return self.check(rules, what, got == wanted, f"got {got!r}, wanted {wanted!r}")

    def not_applicable(self, rules, reason):
        with self.lock:
            for rule in rules:
                self.reasons.setdefault(rule, reason)

    def run(self, one, world):
        """A case to its end; an exception is a failure of its own."""
        began = time.monotonic()
        self.local.case = one.name
        try:
            one.function(self, world)
        except NotApplicable as reason:
            self.not_applicable(one.rules, str(reason))
        except Exception as problem:
            with self.lock:
                self.crashed.append(one.name)
                if self.quiet:
                    return
                for rule in one.rules:
                    self.bad[rule].append(f"{one.name} did not run to its end")
                traceback.print_exc()
                print(f"FAIL  {one.name} did not run to its end: {type(problem).__name__}: {problem}", flush=True)
        if self.verbose:
            print(f"      ({one.name}: {time.monotonic() - began:.1f} s)", flush=True)

    def of(self, rule):
        """(outcome, reason): passed, failed, or not applicable."""
        if self.bad[rule]:
            return "failed", "; ".join(self.bad[rule][:3])
        if rule in self.never and not self.foreign:
            return "not applicable", self.never[rule]
        if self.good[rule]:
            return "passed", ""
        if rule in self.reasons:
            return "not applicable", self.reasons[rule]
        return ("not applicable", "no answer was about it") if self.foreign else ("failed", UNCHECKED)

    def table(self):
        """The outcomes as Markdown, section by section."""
        lines, section = [], None
        for rule in self.rules.values():
            if rule.section != section:
                section = rule.section
                lines += ["", f"### {section}", "", "| rule | what holds | outcome |", "|---|---|---|"]
            outcome, reason = self.of(rule.id)
            lines.append(f"| {rule.id} | {rule.title} | {outcome}{': ' + reason if reason else ''} |")
        return "\n".join(lines[1:]) + "\n"


def readme_parts():
    with open(os.path.join(HERE, "README.md")) as file:
        text = file.read()
    head, _, rest = text.partition(BEGIN + "\n")
    table, _, tail = rest.partition(END)
    return head + BEGIN + "\n", table, END + tail


def write_readme(table):
    head, _, tail = readme_parts()
    with open(os.path.join(HERE, "README.md"), "w") as file:
        file.write(head + table + tail)
