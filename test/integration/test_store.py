#!/usr/bin/env python3
"""Checks the store against a private PostgreSQL: builds store_driver and plays the database's operator for it.

    PYTHONPATH=test:test/integration python3 test/integration/test_store.py
"""
import os
import subprocess
import sys
import tempfile

from harness.build import ROOT, driver
from pg import PrivatePostgres

def obey(pg, order):
    """Carries out one order of the driver; the answer is one line."""
    word, _, rest = order.partition(" ")
    if word == "psql":
        return pg.psql(rest).replace("\n", ";")
    if word not in ("kill", "start", "stop"):
        raise ValueError(f"unknown order {order}")
    getattr(pg, word)()
    return "done"


def run(program, pg, scratch):
    """Prints a line per check; returns how many passed and failed."""
    passed = failed = 0
    with subprocess.Popen([program, pg.conninfo, os.path.join(ROOT, "migrations"), scratch], text=True, bufsize=1,
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
    program = driver("store_driver")
    with PrivatePostgres() as pg, tempfile.TemporaryDirectory() as scratch:
        passed, failed = run(program, pg, scratch)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
