"""Test drivers in C, linked with the broker's library; VARIANT (default test) and CC as for make."""
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VARIANT = os.environ.get("VARIANT", "test")
CC = os.environ.get("CC", "gcc")


def driver(name):
    """Builds test/integration/NAME.c and the broker; gives the driver's path."""
    out = f"build/{VARIANT}" + ("-clang" if os.path.basename(CC).startswith("clang") else "")
    path = f"{out}/test/integration/{name}"
    subprocess.run(["make", "-s", f"VARIANT={VARIANT}", f"CC={CC}", "all", path], cwd=ROOT, check=True)
    return os.path.join(ROOT, path)
