"""The Kubernetes that tests run on: a given one (KUBECONFIG), or the project's one-node testbed."""
import os
import subprocess

from harness.broker import ROOT

PROGRAM = os.path.join(ROOT, "test", "testbed", "testbed")
CACHE = os.environ.get("CPBROKER_TESTBED_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "cpbroker-testbed")


class Testbed:
    """name: of the testbed; tier 1: API server and fake pods, 2: real pods. Inside `with` it is up."""

    def __init__(self, name="cpb", tier=2):
        self.name, self.tier = name, tier
        self.given = os.environ.get("KUBECONFIG") if tier == 2 and os.environ.get("CPBROKER_USE_KUBECONFIG") else None
        self.values = {}

    def up(self):
        if self.given:
            self.values = {"KUBECONFIG": self.given, "CPBROKER_IMAGE_MAP": os.environ.get("CPBROKER_IMAGE_MAP", "")}
            return self
        subprocess.run([PROGRAM, "up", "--tier", str(self.tier), "--name", self.name], check=True)
        out = subprocess.run([PROGRAM, "env", self.name], check=True, capture_output=True, text=True).stdout
        self.values = dict(line.removeprefix("export ").split("=", 1) for line in out.splitlines() if "=" in line)
        return self

    def down(self):
        if not self.given:
            subprocess.run([PROGRAM, "down", self.name], check=True)

    def __enter__(self):
        try:
            return self.up()
        except BaseException:
            self.down()
            raise

    def __exit__(self, *_):
        self.down()

    @property
    def kubeconfig(self):
        return self.values["KUBECONFIG"]

    @property
    def image_map(self):
        return self.values.get("CPBROKER_IMAGE_MAP") or None

    def settings(self):
        """Settings of a broker that serves this cluster."""
        settings = {"kubeconfig": self.kubeconfig, "image_map": self.image_map}
        if not self.given:
            settings["size_overlay"] = os.path.join(ROOT, "test", "small.yaml")
        elif os.environ.get("CPBROKER_SIZE_OVERLAY"):
            settings["size_overlay"] = os.environ["CPBROKER_SIZE_OVERLAY"]
        if self.tier == 1:
            settings["check_external"] = False
        return settings

    def kubectl(self, *arguments, check=True, text=None):
        """What kubectl prints; `text` is its standard input."""
        done = subprocess.run([self.values.get("KUBECTL", "kubectl"), "--kubeconfig", self.kubeconfig, *arguments],
                              capture_output=True, text=True, input=text)
        if check and done.returncode != 0:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def in_network(self, *command):
        """A command line that runs `command` in the node's network; not for a given cluster."""
        return ["nsenter", f"--net=/run/netns/cpbtb-{self.name}", *command]

    def fault(self, action, component):
        """stop or start a component of the testbed: apiserver, kubelet, …"""
        subprocess.run([PROGRAM, action, self.name, component], check=True)

    def stop_api_server(self):
        self.fault("stop", "apiserver")

    def start_api_server(self):
        """Its clients start anew too: after an absence they wait up to minutes before they watch again, and miss what happened meanwhile."""
        self.fault("start", "apiserver")
        for component in ("kcm", "scheduler", *(["kwok"] if self.tier == 1 else [])):
            self.fault("stop", component)
            self.fault("start", component)
