"""One line per check, and the closing count that `make check` adds up; a folder for what a test writes."""
import atexit
import shutil
import sys
import tempfile
import time
import traceback


def scratch(name):
    """A temporary folder that is deleted when the program ends."""
    folder = tempfile.mkdtemp(prefix=f"cpbroker-{name}-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Report:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, name, condition, detail=""):
        """Counts and prints; gives the condition."""
        if condition:
            self.passed += 1
            print(f"ok    {name}")
        else:
            self.failed += 1
            print(f"FAIL  {name}{': ' + str(detail)[:1500] if detail != '' else ''}")
        sys.stdout.flush()
        return bool(condition)

    def equal(self, name, got, wanted):
        return self.check(name, got == wanted, f"got {got!r}, wanted {wanted!r}")

    def section(self, name, function, *arguments):
        """Runs a group of checks; an exception in it counts as one failure. Gives what it returned, or None."""
        began = time.monotonic()
        try:
            return function(*arguments)
        except Exception as e:
            traceback.print_exc()
            self.check(f"{name} ran to its end", False, f"{type(e).__name__}: {e}")
        finally:
            print(f"      ({name}: {time.monotonic() - began:.1f} s)", flush=True)
        return None

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        raise SystemExit(1 if self.failed or not self.passed else 0)
