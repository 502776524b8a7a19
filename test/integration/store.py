#!/usr/bin/env python3
"""Checks the store against a private PostgreSQL: builds store_driver and plays the database's operator for it.

    python3 test/integration/store.py

VARIANT (default test; asan, tsan, debug) and CC choose the build, as for make.
"""
import glob
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
from pg import PrivatePostgres  # noqa: E402

VARIANT = os.environ.get("VARIANT", "test")
CC = os.environ.get("CC", "gcc")
SANITIZERS = {"asan": ["-fsanitize=address,undefined"], "tsan": ["-fsanitize=thread"]}
PACKAGES = ["jansson", "libpq", "openssl", "yaml-0.1"]
LAYERS = ["base", "domain", "store"]


def build():
    """Makes the driver from the layers below the store and the store itself; returns its path."""
    out = f"build/{VARIANT}" + ("-clang" if os.path.basename(CC).startswith("clang") else "")
    sources = sorted(glob.glob("test/integration/store_*.c", root_dir=ROOT))
    for layer in LAYERS:
        sources += sorted(glob.glob(f"broker/{layer}/*.c", root_dir=ROOT))
    objects = [f"{out}/{s[:-2]}.o" for s in sources]
    subprocess.run(["make", "-s", f"VARIANT={VARIANT}", f"CC={CC}", *objects], cwd=ROOT, check=True)
    libraries = subprocess.run(["pkg-config", "--libs", *PACKAGES], check=True, text=True, stdout=subprocess.PIPE).stdout.split()
    driver = os.path.join(ROOT, out, "store_driver")
    subprocess.run([CC, "-pthread", *SANITIZERS.get(VARIANT, []), "-o", driver, *objects, *libraries], cwd=ROOT, check=True)
    return driver


def obey(pg, order):
    """Carries out one order of the driver; the answer is one line."""
    word, _, rest = order.partition(" ")
    if word == "psql":
        return pg.psql(rest).replace("\n", ";")
    if word not in ("kill", "start", "stop"):
        raise ValueError(f"unknown order {order}")
    getattr(pg, word)()
    return "done"


def run(driver, pg, scratch):
    """Prints a line per check; returns how many passed and failed."""
    passed = failed = 0
    with subprocess.Popen([driver, pg.conninfo, os.path.join(ROOT, "migrations"), scratch], text=True, bufsize=1,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        for line in child.stdout:
            line = line.rstrip("\n")
            if line.startswith("@"):
                child.stdin.write(obey(pg, line[1:]) + "\n")
                child.stdin.flush()
                continue
            print(line, flush=True)
            passed += line.startswith("ok ")
            failed += not line.startswith("ok ")
        child.stdin.close()
    if child.returncode:
        print(f"FAILED store_driver ended with {child.returncode}")
        failed += 1
    return passed, failed


def main():
    driver = build()
    with PrivatePostgres() as pg, tempfile.TemporaryDirectory() as scratch:
        passed, failed = run(driver, pg, scratch)
    print(f"store: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
