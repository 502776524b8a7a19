"""Rules for everything else: words, paths, shell, Python, YAML, JSON, migrations."""
import json
import os
import re
import subprocess
import sys

# Written in pieces, so that this file obeys its own rule.
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b|(?i:\bnot (?:yet )?implem" r"ented\b|\bst" r"ub(?:s|bed)?\b)")
FOREIGN = re.compile(r"(?<![\w.$)}\]*-])/wo" r"rk/|\.\./sha" r"red\b|/tmp/br" r"ief|\.lib" r"rary/")
SOURCES = (".c", ".h", ".sh", ".py", ".mk", "Makefile", ".lua", ".sql")
MIGRATION = re.compile(r"migrations/(\d{4})-[a-z0-9-]+\.sql")


def shebang(tree, path):
    return tree.text(path).split("\n", 1)[0] if tree.text(path).startswith("#!") else ""


def shell_files(tree):
    return [p for p in tree.names if p.endswith(".sh") or re.search(r"\b(?:ba|da)?sh\b", shebang(tree, p))]


def python_files(tree):
    return [p for p in tree.names if p.endswith(".py") or "python" in shebang(tree, p)]


def unfinished(tree):
    """unfinished: nothing is announced instead of done."""
    paths = [p for p in tree.names if p.endswith(SOURCES) or shebang(tree, p)]
    for path in paths:
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            found = UNFINISHED.search(line)
            if found:
                yield path, number, f'"{found.group()}": finish it, or say what is instead of what is missing'


def foreign_paths(tree):
    """foreign-paths: no path that only one machine has."""
    for path in tree.names:
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            found = FOREIGN.search(line)
            if found:
                yield path, number, f'"{found.group()}" is not on a user\'s machine: use a path in the repository or a setting'


def shell(tree):
    """shell: shell scripts pass shellcheck."""
    paths = shell_files(tree)
    if not paths:
        return
    done = subprocess.run(["shellcheck", "--severity=warning", "--external-sources", "--format=json", *paths], cwd=tree.root,
                          capture_output=True, text=True)
    if done.returncode > 1:
        yield paths[0], 1, f"shellcheck did not run: {done.stderr.strip()}"
        return
    for fault in json.loads(done.stdout or "[]"):
        yield fault["file"], fault["line"], f"SC{fault['code']}: {fault['message']}"


def python(tree):
    """python: Python files compile."""
    for path in python_files(tree):
        try:
            compile(tree.text(path), path, "exec")
        except SyntaxError as error:
            yield path, error.lineno or 1, f"does not compile: {error.msg}"


def yaml_reader(tree):
    """Builds yaml_check.c beside the other build results; its path."""
    here = os.path.dirname(os.path.abspath(__file__))
    folder = os.path.join(os.path.dirname(os.path.dirname(here)), "build", "lint")
    os.makedirs(folder, exist_ok=True)
    program, source = os.path.join(folder, "yaml_check"), os.path.join(here, "yaml_check.c")
    if not os.path.exists(program) or os.path.getmtime(program) < os.path.getmtime(source):
        made = f"{program}.{os.getpid()}"
        subprocess.run(["gcc", "-std=gnu11", "-O1", "-o", made, source, "-lyaml"], check=True)
        os.replace(made, program)
    return program


def data(tree):
    """data: YAML and JSON files can be read, and every source is UTF-8."""
    for path in tree.unreadable:
        if path.endswith(SOURCES + (".yml", ".yaml", ".json", ".md")):
            yield path, 1, "is not UTF-8: convert it"
    paths = tree.files(".yml", ".yaml")
    if paths:
        done = subprocess.run([yaml_reader(tree), *paths], cwd=tree.root, capture_output=True, text=True)
        for fault in done.stdout.splitlines():
            path, line, message = fault.split(":", 2)
            yield path, int(line), f"not readable as YAML: {message.strip()}"
    for path in tree.files(".json"):
        try:
            json.loads(tree.text(path))
        except json.JSONDecodeError as error:
            yield path, error.lineno, f"not readable as JSON: {error.msg}"


def migrations(tree):
    """migrations: NNNN-name.sql without a gap, each a list of whole statements."""
    expected = 1
    for path in sorted(p for p in tree.names if p.startswith("migrations/")):
        match = MIGRATION.fullmatch(path)
        text = re.sub(r"--[^\n]*", "", tree.text(path)).strip()
        if not match:
            yield path, 1, "name it NNNN-words.sql"
            continue
        if int(match.group(1)) != expected:
            yield path, 1, f"number {expected:04d} comes next: numbers have no gap and none is used twice"
        if not text.endswith(";") or text.count("$$") % 2 or text.count("'") % 2:
            yield path, tree.text(path).count("\n") or 1, "the last statement does not end: close its quotes and end it with ;"
        expected += 1


def selftest(tree):
    """selftest: every rule can fail."""
    if "test/lint/selftest.py" in tree.names:
        done = subprocess.run([sys.executable, "test/lint/selftest.py"], cwd=tree.root, capture_output=True, text=True)
        if done.returncode:
            yield "test/lint/selftest.py", 1, done.stdout.strip() + done.stderr.strip()


RULES = [unfinished, foreign_paths, shell, python, data, migrations, selftest]
