"""Rules that ask the broker itself: they run when BROKER names its binary."""
import os
import re
import subprocess


def run(*arguments):
    done = subprocess.run([os.path.abspath(os.environ["BROKER"]), *arguments], capture_output=True, text=True, timeout=60)
    last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return done.stdout.strip(), last if done.returncode else None


def in_readme(tree, what, *arguments):
    text, fault = run(*arguments)
    command = "cpbroker " + " ".join(arguments)
    if fault or not text:
        yield "README.md", 1, f"`{command}` prints no {what}: {fault or 'empty'}"
    elif text not in tree.text("README.md"):
        missing = next((x for x in text.splitlines() if x not in tree.text("README.md").splitlines()), None)
        place = f'it lacks "{missing[:80]}"' if missing else "its lines stand in another order"
        yield "README.md", 1, f"{what} is out of date ({place}): paste what `{command}` prints"


def settings(tree):
    """settings: the README holds the table of settings as the broker prints it."""
    yield from in_readme(tree, "table of settings", "--help-markdown")


def lifecycle(tree):
    """lifecycle: the README holds the lifecycle as the broker prints it."""
    yield from in_readme(tree, "lifecycle", "lifecycle")


def plans(tree):
    """plans: every plan renders."""
    paths = [p for p in tree.names if re.fullmatch(r"catalog/plans/[^/]+\.yml", p)]
    if not paths:
        yield "catalog/plans", 1, "there is no plan: add one"
    for path in paths:
        text, fault = run("catalog", "render", os.path.basename(path)[:-len(".yml")])
        if fault or not text:
            yield path, 1, f"does not render: {fault or 'empty'}"


RULES = [settings, lifecycle, plans]
