"""provisioner.py KUBECONFIG PROVISIONER local|fake FOLDER: makes, expands and deletes the volumes of the testbed.

"local" volumes are folders of this machine of the PersistentVolume type "local" (the kubelet applies fsGroup to it, so that pods
which do not run as root can write); "fake" ones exist in the API only. Waits for the scheduler's choice of a node where the
storage class says WaitForFirstConsumer."""
import os
import queue
import shutil
import sys
import threading
import time

from kubeapi import Api

CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
SELECTED_NODE = "volume.kubernetes.io/selected-node"


class Provisioner:
    def __init__(self, api, name, kind, folder):
        self.api, self.name, self.kind, self.folder = api, name, kind, folder
        self.classes, self.claims = {}, {}
        self.work = queue.Queue()

    def follow(self, path, handle):
        for event, item in self.api.events(path):
            if event != "LISTED":
                handle(event, item)
            elif path == CLAIMS:
                for uid in set(self.claims) - item:
                    del self.claims[uid]

    def on_class(self, event, item):
        name = item["metadata"]["name"]
        if event == "DELETED":
            self.classes.pop(name, None)
        elif item["provisioner"] == self.name:
            self.classes[name] = item
            for claim in list(self.claims.values()):
                self.work.put(("claim", claim))

    def on_claim(self, event, item):
        uid = item["metadata"]["uid"]
        if event == "DELETED":
            self.claims.pop(uid, None)
        else:
            self.claims[uid] = item
            self.work.put(("claim", item))

    def on_volume(self, event, item):
        ours = item["metadata"].get("annotations", {}).get("pv.kubernetes.io/provisioned-by") == self.name
        if event != "DELETED" and ours and item["status"].get("phase") == "Released":
            self.work.put(("volume", item))

    def serve(self):
        while True:
            what, item = self.work.get()
            try:
                (self.claim if what == "claim" else self.release)(item)
            except Exception as problem:  # one volume's trouble must not end the others'
                print(f"{what} {item['metadata']['name']}: {problem}; again in a second", flush=True)
                threading.Timer(1, self.work.put, ((what, item),)).start()

    def claim(self, claim):
        meta, spec, status = claim["metadata"], claim["spec"], claim.get("status", {})
        if spec.get("storageClassName") not in self.classes or "deletionTimestamp" in meta or meta["uid"] not in self.claims:
            return
        want = spec["resources"]["requests"]["storage"]
        if not spec.get("volumeName"):
            self.provision(claim, self.classes[spec["storageClassName"]], want)
        elif status.get("phase") == "Bound" and status["capacity"]["storage"] != want:
            # A folder has no size of its own: growing it is to record it.
            self.check(self.api.patch(f"{VOLUMES}/{spec['volumeName']}", {"spec": {"capacity": {"storage": want}}}))
            self.check(self.api.patch(f"/api/v1/namespaces/{meta['namespace']}/persistentvolumeclaims/{meta['name']}/status",
                                      {"status": {"capacity": {"storage": want}}}))

    def provision(self, claim, storage_class, want):
        meta = claim["metadata"]
        node = meta.get("annotations", {}).get(SELECTED_NODE)
        if storage_class.get("volumeBindingMode") == "WaitForFirstConsumer" and not node:
            return
        name = "pvc-" + meta["uid"]
        path = os.path.join(self.folder, name)
        volume = {
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": self.name}},
            "spec": {"capacity": {"storage": want}, "accessModes": claim["spec"]["accessModes"],
                     "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
                     "storageClassName": claim["spec"]["storageClassName"],
                     "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
                     "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": meta["namespace"],
                                  "name": meta["name"], "uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}}}
        if self.kind == "local":
            os.makedirs(path, exist_ok=True)
            node = node or self.only_node()
            volume["spec"]["local"] = {"path": path}
            volume["spec"]["nodeAffinity"] = {"required": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}]}}
        else:
            volume["spec"]["hostPath"] = {"path": "/nowhere/" + name}
        self.check(self.api.call("POST", VOLUMES, volume), 409)

    def only_node(self):
        return self.api.call("GET", "/api/v1/nodes")[1]["items"][0]["metadata"]["labels"]["kubernetes.io/hostname"]

    def release(self, volume):
        if volume["spec"].get("persistentVolumeReclaimPolicy") != "Delete":
            return
        path = volume["spec"].get("local", {}).get("path", "")
        if path.startswith(self.folder + "/"):
            shutil.rmtree(path, ignore_errors=True)
        self.check(self.api.call("DELETE", f"{VOLUMES}/{volume['metadata']['name']}"), 404)

    @staticmethod
    def check(answer, *also):
        status, body = answer
        if status >= 300 and status not in also:
            raise OSError(f"the API server answers {status}: {body.get('message')}")


def main():
    kubeconfig, name, kind, folder = sys.argv[1:]
    provisioner = Provisioner(Api(kubeconfig), name, kind, folder)
    for path, handle in ((CLASSES, provisioner.on_class), (CLAIMS, provisioner.on_claim), (VOLUMES, provisioner.on_volume)):
        threading.Thread(target=provisioner.follow, args=(path, handle), daemon=True).start()
    for _ in range(4):
        threading.Thread(target=provisioner.serve, daemon=True).start()
    while True:
        time.sleep(3600)


main()
