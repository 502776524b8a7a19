#!/usr/bin/env python3
"""Shows that each rule of test/lint can fail: a clean small tree passes, and each change to it breaks the rule named."""
import os
import re
import subprocess
import sys
import tempfile

LINT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lint")

CLEAN = {
    "broker/LAYERS": "# folder | project | third party\nbase | - | yaml.h\nnet | - | curl/\nstore | net | libpq-fe.h\n. | net store | -\n",
    "broker/base/a.h": "/* A header. */\n#ifndef A_H\n#define A_H\n#include <stdint.h>\nstruct a;\n"
                       "typedef int (*Each)(int, int, int, int, int, int, int);\n"
                       "int a_six(int a, int b, int c, int d, int e, int f) __attribute__((pure));\n#endif\n",
    "broker/base/a.c": "/*\n * The source: strcpy(a, b) in a comment is no call.\n */\n#include \"base/a.h\"\n#include <stdio.h>\n"
                       "static const char *const words[] = {\"atoi(\", \"}\"};\nextern int elsewhere;\n"
                       "static const struct { const char *name; int value; } table[] = {{\"a\", 1}};\n"
                       "enum { A, B };\nstruct a { int system; };\n"
                       "int a_six(int a, int b, int c, int d, int e, int f)\n{\n    static const int one = 1;\n    struct a s = {'{'};\n"
                       "    return a + b + c + d + e + f + one + s.system + (int)sizeof(words) + table[0].value;\n}\n",
    "broker/net/n.h": "/* A header. */\n#ifndef N_H\n#define N_H\n#include \"base/a.h\"\n#endif\n",
    "broker/store/s.c": "/* A source. */\n#include \"net/n.h\"\n#include <libpq-fe.h>\nextern int none;\n",
    "test/lint/globals.txt": "# exceptions\n",
    "run.sh": "#!/bin/sh\nname=$(mktemp -d /tmp/x.XXXXXX)\necho \"$name/work/x\"\n",
    "tool": "#!/usr/bin/env python3\nprint(1)\n",
    "catalog/plans/small.yml": "name: small\n---\nsecond: [1, 2]\n",
    "data.json": "{}\n",
    "migrations/0001-first.sql": "-- it's a comment\nCREATE TABLE t (a text DEFAULT 'x');\n",
    "README.md": "# Name\n\n| setting |\n\n| state |\n",
}
# Stands for the broker: prints what the README of the clean tree holds.
BROKER = """#!/bin/sh
case "$*" in
--help-markdown) echo '| setting |' ;;
lifecycle) echo '| state |' ;;
'catalog render small') echo 'kind: Pod' ;;
*) echo "no plan $*" >&2; exit 1 ;;
esac
"""

LONG_FUNCTION = "int f(void);\nint f(void)\n{\n" + "    ;\n" * 58 + "}\n"
# (rule, file, text added to the file or the whole new file, words of the violation)
BAD = [
    ("brackets", "broker/base/b.c", "/* B. */\nint f(void)\n{\n", "balance"),
    ("brackets", "broker/base/b.c", "/* B. */\nint x[2;\n", "balance"),
    ("first-line", "broker/base/b.c", "/* */\nint f(void);\n", "begin with a comment"),
    ("first-line", "broker/base/b.c", "#include <stdio.h>\n", "begin with a comment"),
    ("file-size", "broker/base/b.c", "/* B. */\n" + "\n" * 400, "401 lines"),
    ("function-size", "broker/base/b.c", "/* B. */\n" + LONG_FUNCTION, "f has 61 lines"),
    ("parameters", "broker/base/b.c", "/* B. */\nint g(int a, int b, int c, int (*d)(int, int), int e, int f, int g7);\n", "g has 7"),
    ("globals", "broker/base/b.c", "/* B. */\nstatic int count;\n", "count can change"),
    ("globals", "broker/base/b.c", "/* B. */\nint count = 1, other;\n", "other can change"),
    ("globals", "broker/base/b.c", "/* B. */\nstatic const char *names[] = {\"a\"};\n", "names can change"),
    ("globals", "broker/base/b.c", "/* B. */\nstatic struct { int a; } state;\n", "state can change"),
    ("globals", "broker/base/b.c", "/* B. */\nstruct a { int a; } state;\n", "state can change"),
    ("globals", "broker/base/b.c", "/* B. */\nstatic int (*hook)(int);\n", "hook can change"),
    ("globals", "broker/base/b.c", "/* B. */\nint f(void)\n{\n    static int calls;\n    return calls++;\n}\n", "calls can change"),
    ("globals", "broker/base/b.c", "/* B. */\nint f(void)\n{\n    static _Thread_local char text[9];\n    return text[0];\n}\n", "text can change"),
    ("globals", "test/lint/globals.txt", "broker/base/a.c:gone because\n", "no such variable gone"),
    ("banned", "broker/base/b.c", "/* B. */\nint f(const char *s)\n{\n    return atoi(s);\n}\n", "atoi is banned"),
    ("banned", "broker/base/b.c", "/* B. */\nchar *(*const copy)(char *, const char *) = strcpy;\n", "strcpy is banned"),
    ("layers", "broker/base/b.c", "/* B. */\n#include \"net/n.h\"\n", "base must not include net"),
    ("layers", "broker/net/b.c", "/* B. */\n#include <libpq-fe.h>\n", "belongs to store"),
    ("layers", "broker/net/b.c", "/* B. */\n#include <zlib.h>\n", "in no row"),
    ("layers", "broker/net/b.c", "/* B. */\n#include \"n.h\"\n", "no file under broker/"),
    ("layers", "broker/new/b.c", "/* B. */\n", "folder new has no row"),
    ("headers", "broker/base/b.h", "/* B. */\nsize_t b_size(void);\n", "does not compile alone"),
    ("unfinished", "broker/base/b.c", "/* B. */\n/* TO" "DO later */\n", "finish it"),
    ("unfinished", "tool", "#!/usr/bin/env python3\nprint('not implem" "ented')\n", "finish it"),
    ("unfinished", "Makefile", "all: # a st" "ub\n", "finish it"),
    ("foreign-paths", "notes.md", "see /wo" "rk/x\n", "not on a user's machine"),
    ("foreign-paths", "data.json", '["../sha' 'red/x"]\n', "not on a user's machine"),
    ("shell", "run.sh", "#!/bin/sh\ncd $1\nfor f in $(ls *.c); do rm -r \"$f/\"*; done\nx=1\n", "SC2034"),
    ("python", "tool", "#!/usr/bin/env python3\nprint(\n", "does not compile"),
    ("data", "catalog/plans/small.yml", "name: [1\nother: 2\n", "not readable as YAML"),
    ("data", "data.json", "{,}\n", "not readable as JSON"),
    ("data", "migrations/0001-first.sql", b"-- \xff\n;\n", "not UTF-8"),
    ("migrations", "migrations/0003-third.sql", "SELECT 1;\n", "0002 comes next"),
    ("migrations", "migrations/second.sql", "SELECT 1;\n", "name it"),
    ("migrations", "migrations/0002-second.sql", "SELECT 'a;\n", "does not end"),
    ("selftest", "test/lint/selftest.py", "import sys\nsys.exit('no rule failed')\n", "no rule failed"),
    ("settings", "README.md", "| state |\n", "table of settings is out of date"),
    ("lifecycle", "README.md", "| setting |\n", "lifecycle is out of date"),
    ("plans", "catalog/plans/large.yml", "name: large\n", "does not render"),
]


def write(root, path, content):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def lint(changes, folder):
    """Runs lint over the clean tree with `changes`; (exit code, output)."""
    root = os.path.join(folder, "tree")
    for path, content in {**CLEAN, **changes}.items():
        write(root, path, content)
    subprocess.run(["git", "init", "-q", root], check=True)
    subprocess.run(["git", "-C", root, "add", "-A"], check=True)
    broker = os.path.join(folder, "broker")
    write(folder, "broker", BROKER)
    os.chmod(broker, 0o755)
    done = subprocess.run([sys.executable, LINT, root], capture_output=True, text=True, env={**os.environ, "BROKER": broker})
    return done.returncode, done.stdout + done.stderr


def main():
    passed = failed = 0
    cases = [("", "", None, "passed, 0 failed"), *BAD]
    for rule, path, content, words in cases:
        with tempfile.TemporaryDirectory() as folder:
            code, output = lint({path: content} if content is not None else {}, folder)
        line = rf"^{re.escape(path)}:\d+: {rule}: .*{re.escape(words)}" if rule else re.escape(words)
        good = bool(re.search(line, output, re.M)) and code == (1 if rule else 0)
        if rule:  # exactly this rule fails
            good = good and set(re.findall(r"^\S+:\d+: ([a-z-]+):", output, re.M)) == {rule}
        passed, failed = passed + good, failed + (not good)
        if not good:
            print(f"FAILED {rule or 'clean tree'} ({path}): wanted \"{words}\", got:\n{output}")
    rules = set(re.findall(r"^    \"\"\"([a-z-]+):", "".join(open(os.path.join(os.path.dirname(LINT), f)).read() for f in
                                                           ("rules_c.py", "rules_text.py", "rules_broker.py")), re.M))
    for rule in sorted(rules - {case[0] for case in BAD}):
        failed += 1
        print(f"FAILED {rule}: no case shows that it can fail")
    print(f"lint selftest: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
