#!/usr/bin/env python3
"""A private PostgreSQL in a folder, on a unix socket only; for tests, the demo and benchmarks.

    python3 test/integration/pg.py start DIR     creates or starts it, prints the conninfo
    python3 test/integration/pg.py stop DIR      stops it; the data stays
    python3 test/integration/pg.py remove DIR    stops it and deletes the folder

In Python:

    with PrivatePostgres() as pg:        # temporary folder, deleted at the end
        run(["cpbroker", "serve"], env={"CPBROKER_DATABASE": pg.conninfo})

PostgreSQL refuses to run as root; as root its processes run as the user `postgres`, which must be able to reach the folder.
The role and the database are both called cpbroker; the role owns the database and is no superuser.
"""
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

NAME = "cpbroker"
# Processes are killed, machines are not: without fsync nothing is lost that a test looks at. Benchmarks pass durable=True.
FAST = ["fsync=off", "synchronous_commit=on", "full_page_writes=off"]
COMMON = ["max_connections=200", "shared_buffers=64MB", "listen_addresses=", "log_min_messages=warning", "lc_messages=C"]


def bin_folder():
    """Folder of initdb and postgres: $PG_BINDIR, else Debian's newest version, else what is in PATH."""
    if os.environ.get("PG_BINDIR"):
        return os.environ["PG_BINDIR"]
    debian = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    if debian:
        return os.path.dirname(max(debian, key=lambda p: float(p.split("/")[4])))
    found = shutil.which("initdb")
    if not found:
        raise RuntimeError("PostgreSQL is not installed: run `make deps`, or set PG_BINDIR to the folder of initdb")
    return os.path.dirname(os.path.realpath(found))


class PrivatePostgres:
    """path: folder to use (kept after stop), or None for a temporary one that `remove` and leaving `with` delete."""

    def __init__(self, path=None, settings=(), durable=False):
        self.path = os.path.abspath(path) if path else tempfile.mkdtemp(prefix="pg-")
        self.data = os.path.join(self.path, "data")
        self.log = os.path.join(self.path, "postgres.log")
        self.bin = bin_folder()
        self.settings = COMMON + ([] if durable else FAST) + ["unix_socket_directories=" + self.path] + list(settings)
        self.temporary = path is None
        self.as_user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        if len(self.path) > 85:
            raise RuntimeError(f"{self.path} is too long for a unix socket: choose a folder of at most 85 characters")

    @property
    def conninfo(self):
        """libpq connection string of the role cpbroker."""
        return f"host={self.path} dbname={NAME} user={NAME}"

    def _tool(self, name, *args, check=True):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG") and not k.startswith("LC_")}
        done = subprocess.run([os.path.join(self.bin, name), *args], cwd=self.path, env=environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **self.as_user)
        if check and done.returncode:
            raise RuntimeError(f"{name} failed ({done.returncode}): {done.stdout.strip()}\n{self._log_tail()}")
        return done

    def _log_tail(self):
        try:
            with open(self.log, errors="replace") as f:
                return "".join(f.readlines()[-15:])
        except OSError:
            return ""

    def pid(self):
        """Process id of the running server, or None."""
        try:
            with open(os.path.join(self.data, "postmaster.pid")) as f:
                pid = int(f.readline())
        except (OSError, ValueError):
            return None
        return pid if self._stat(pid)[0] not in ("", "Z") else None

    @staticmethod
    def _stat(pid):
        """State letter and parent of a process; ("", 0) when there is none. Dead ones stay `Z` where nobody reaps orphans."""
        try:
            with open(f"/proc/{pid}/stat") as f:
                words = f.read().rpartition(")")[2].split()
            return words[0], int(words[1])
        except OSError:
            return "", 0

    def _create(self):
        os.makedirs(self.path, exist_ok=True)
        if self.as_user:
            user = pwd.getpwnam("postgres")
            os.chown(self.path, user.pw_uid, user.pw_gid)
        os.chmod(self.path, 0o700)
        if self.as_user and subprocess.run(["test", "-w", self.path], check=False, **self.as_user).returncode:
            raise RuntimeError(f"the user postgres cannot reach {self.path}: choose a folder under one it may enter, such as /tmp")
        if not os.path.exists(os.path.join(self.data, "PG_VERSION")):
            shutil.rmtree(self.data, ignore_errors=True)
            self._tool("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
            return True
        return False

    def start(self):
        """Creates it at the first call, starts it and waits until it answers. Does nothing when it runs. Returns self."""
        if self.pid():
            return self
        fresh = self._create()
        options = " ".join(f"-c {s.replace(' ', chr(92) + ' ')}" for s in self.settings)
        # `pg_ctl -w` may call a server ready that still recovers from a kill; psql below decides.
        self._tool("pg_ctl", "-D", self.data, "-l", self.log, "-o", options, "-w", "-t", "60", "start")
        if fresh:
            self.psql(f"create role {NAME} login", superuser=True, database="postgres")
            self.psql(f"create database {NAME} owner {NAME}", superuser=True, database="postgres")
        self.wait()
        return self

    def wait(self, seconds=30):
        """Waits until a query is answered."""
        end = time.monotonic() + seconds
        while True:
            try:
                return self.psql("select 1")
            except RuntimeError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def stop(self, mode="fast"):
        """mode: smart, fast or immediate."""
        if self.pid():
            self._tool("pg_ctl", "-D", self.data, "-m", mode, "-w", "-t", "60", "stop")

    def kill(self):
        """SIGKILL to the server and all its processes, as a crash; start() recovers."""
        pid = self.pid()
        if not pid:
            return
        os.kill(pid, signal.SIGSTOP)  # it must not start new ones meanwhile
        for child in self._children(pid) + [pid]:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        while self._children(pid) or self.pid():
            time.sleep(0.01)
        # All are dead, which the lock files' process id cannot tell when nobody reaps orphans or the id is used again.
        for lock in [os.path.join(self.data, "postmaster.pid")] + glob.glob(os.path.join(self.path, ".s.PGSQL.*.lock")):
            os.unlink(lock)

    def _children(self, parent):
        pids = [int(p.split("/")[2]) for p in glob.glob("/proc/[0-9]*")]
        return [pid for pid in pids for state, its_parent in [self._stat(pid)] if its_parent == parent and state != "Z"]

    def restart(self, mode="fast"):
        self.stop(mode)
        return self.start()

    def psql(self, sql, superuser=False, database=NAME):
        """Runs SQL, returns what it prints: rows as lines, columns parted by `|`. RuntimeError with the server's text on failure."""
        who = "postgres" if superuser else NAME
        done = self._tool("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.path, "-U", who, "-d", database,
                          "-c", sql, check=False)
        if done.returncode:
            raise RuntimeError(f"psql: {done.stdout.strip()}")
        return done.stdout.strip()

    def remove(self):
        """Stops it and deletes the folder."""
        self.stop("immediate")
        shutil.rmtree(self.path, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        if self.temporary:
            self.remove()
        else:
            self.stop()


def main(args):
    if len(args) != 2 or args[0] not in ("start", "stop", "remove"):
        print(re.sub(r"\n\nIn Python.*", "", __doc__, flags=re.S), file=sys.stderr)
        return 2
    pg = PrivatePostgres(args[1])
    if args[0] == "start":
        print(pg.start().conninfo)
    elif args[0] == "stop":
        pg.stop()
    else:
        pg.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
