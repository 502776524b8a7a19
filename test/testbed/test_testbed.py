"""test_testbed.py: brings clusters up and down and looks for what they leave. Needs root; builds what is missing."""
import glob
import json
import os
import re
import socket
import subprocess
import time
import unittest

TESTBED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "testbed")
NAMES = ("tbtest-a", "tbtest-b")


def testbed(*args, given=None, check=True):
    answer = subprocess.run([TESTBED, *args], input=given, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if check and answer.returncode:
        raise AssertionError(f"testbed {' '.join(args)} ends with {answer.returncode}: {answer.stdout}")
    return answer


def kubectl(name, *args, given=None):
    return testbed("kubectl", name, *args, given=given).stdout


def until(check, seconds=60):
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise AssertionError("it did not happen")
        time.sleep(0.3)


def traces():
    """Everything on the machine that bears the tests' names."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as file:
                found += [path for name in NAMES if f"/{name}\0".encode() in file.read() + b"\0"]
        except OSError:
            pass
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        found += [line for line in file if any(name in line for name in NAMES)]
    found += [path for path in glob.glob("/sys/fs/cgroup/**/cpbtb-tbtest-*", recursive=True)]
    found += glob.glob("/run/netns/cpbtb-tbtest-*") + glob.glob("/var/lib/cni/results/cpbtb-tbtest-*")
    found += [path for path in glob.glob("/var/log/containers/*") if os.path.islink(path) and not os.path.exists(path)]
    found += [name for _, name in socket.if_nameindex() if name.startswith("cpb-tbtest")]
    return found


def pod(name, command):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "fsGroup": 1000}, "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "c", "image": "cpbroker.test/cp-kafka:4.1.1", "command": ["bash", "-ec", command],
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}}


CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
         "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}


class Testbed(unittest.TestCase):
    def setUp(self):
        for name in NAMES:
            testbed("down", name)

    def tearDown(self):
        for name in NAMES:
            testbed("down", name)
        self.assertEqual(traces(), [])

    def field(self, path, *args):
        return kubectl(NAMES[0], "get", *args, "-o", "jsonpath={" + path + "}")

    def test_wrong_arguments(self):
        for args in (["up", "--tier", "3"], ["up", "--nmae", "x"], ["up", "--name", "Bad"], ["frobnicate"], ["kubectl", "nobody", "get", "pods"],
                     ["stop", "nobody", "etcd"], ["status", "nobody"], ["env", "nobody"]):
            answer = testbed(*args, check=False)
            self.assertEqual(answer.returncode, 1, args)
            self.assertIn("testbed: ", answer.stdout)

    def test_real_node(self):
        name = NAMES[0]
        testbed("up", "--name", name)
        address = re.search("NODE_IP=(.*)", testbed("env", name).stdout).group(1)
        items = [CLAIM, pod("writer", "echo kept >/data/file; exec sleep 1000"),
                 {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                  "spec": {"type": "NodePort", "selector": {"app": "writer"}, "ports": [{"port": 80, "targetPort": 8000}]}}]
        kubectl(name, "apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        kubectl(name, "wait", "pod/writer", "--for=condition=Ready", "--timeout=60s")
        self.assertEqual(kubectl(name, "exec", "writer", "--", "cat", "/data/file").strip(), "kept")
        lookup = "exec 3<>/dev/tcp/kubernetes.default.svc/443 && echo reached"
        until(lambda: "reached" in testbed("kubectl", name, "exec", "writer", "--", "bash", "-c", lookup, check=False).stdout)

        kubectl(name, "patch", "pvc", "data", "-p", '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}')
        until(lambda: self.field(".status.capacity.storage", "pvc", "data") == "2Gi")

        # A node port without a listener behind it refuses; with one (in the pod's network) it answers from this machine.
        port = int(self.field(".spec.ports[0].nodePort", "service", "web"))
        with self.assertRaises(OSError):
            socket.create_connection((address, port), 5).close()
        self.serve_in_pod(name)
        until(lambda: self.asked(address, port) == b"hello")

        folder = self.field(".spec.local.path", "pv", self.field(".spec.volumeName", "pvc", "data"))
        self.assertTrue(os.path.exists(folder + "/file"))
        kubectl(name, "delete", "pod/writer", "pvc/data")
        until(lambda: not os.path.exists(folder))

    def serve_in_pod(self, name):
        """A listener in the pod's network namespace, run by this machine's Python."""
        container = self.field(".status.containerStatuses[0].containerID", "pod", "writer").rpartition("/")[2]
        state = re.search("TESTBED_STATE=(.*)", testbed("env", name).stdout).group(1)
        with open(f"{state}/containerd/state/io.containerd.runtime.v2.task/k8s.io/{container}/init.pid", encoding="utf-8") as file:
            pid = file.read()
        program = "import socket\nlistener = socket.create_server(('', 8000))\nwhile True:\n    peer, _ = listener.accept()\n    peer.sendall(b'hello')\n    peer.close()"
        server = subprocess.Popen(["nsenter", f"--net=/proc/{pid}/ns/net", "python3", "-c", program])
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)

    @staticmethod
    def asked(address, port):
        try:
            with socket.create_connection((address, port), 5) as peer:
                return peer.recv(10)
        except OSError:
            return None

    def test_two_at_once_and_what_a_crash_leaves(self):
        for name in NAMES:
            testbed("up", "--tier", "1", "--name", name)
        self.assertIn("up already", testbed("up", "--tier", "1", "--name", NAMES[0]).stdout)
        addresses = {re.search("NODE_IP=(.*)", testbed("env", name).stdout).group(1) for name in NAMES}
        self.assertEqual(len(addresses), 2)
        kubectl(NAMES[0], "create", "namespace", "only-here")
        self.assertNotIn("only-here", kubectl(NAMES[1], "get", "namespaces"))

        for command in ("stop", "start"):
            testbed(command, NAMES[0], "apiserver")
            self.assertEqual(testbed("status", NAMES[0], check=False).returncode, 1 if command == "stop" else 0)
        self.assertEqual(testbed("start", NAMES[0], "apiserver", check=False).returncode, 1)

        # etcd is gone for good: 'up' makes the cluster anew.
        testbed("stop", NAMES[0], "etcd")
        testbed("up", "--tier", "1", "--name", NAMES[0])
        self.assertNotIn("only-here", kubectl(NAMES[0], "get", "namespaces"))
        testbed("status", NAMES[1])

    def test_up_cut_short_leaves_nothing_after_down(self):
        for seconds in (1, 2.5, 5):
            with subprocess.Popen([TESTBED, "up", "--name", NAMES[0]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as up:
                time.sleep(seconds)
                up.kill()
            testbed("down", NAMES[0])
            self.assertEqual(traces(), [], seconds)

    def test_two_ups_of_one_name(self):
        command = [TESTBED, "up", "--tier", "1", "--name", NAMES[0]]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as one, subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as other:
            said = [one.communicate()[1], other.communicate()[1]]
        self.assertEqual([one.returncode, other.returncode], [0, 0], said)
        self.assertEqual(sum("is up already" in text for text in said), 1, said)

    def test_fake_pods_with_volumes_are_ready_without_any_hint(self):
        name = NAMES[0]
        testbed("up", "--tier", "1", "--name", name)
        labels = {"app": "s"}
        kubectl(name, "apply", "-f", "-", given=json.dumps({
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s"}, "spec": {
                "serviceName": "s", "replicas": 3, "selector": {"matchLabels": labels}, "volumeClaimTemplates": [CLAIM],
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "x:1"}]}}}}))
        until(lambda: self.field(".status.readyReplicas", "statefulset", "s") == "3")
        self.assertNotIn("", self.field(".items[*].status.addresses[?(@.type==\"InternalIP\")].address", "nodes").split(" "))
        kubectl(name, "patch", "pvc", "data-s-0", "-p", '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}')
        until(lambda: self.field(".status.capacity.storage", "pvc", "data-s-0") == "2Gi")


if __name__ == "__main__":
    unittest.main()
