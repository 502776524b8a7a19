"""What an instance consists of in Kubernetes, with everything taken out that differs from one instance to the next."""
import json
import re

KINDS = "serviceaccounts,resourcequotas,limitranges,networkpolicies,services,secrets,configmaps,statefulsets,poddisruptionbudgets,persistentvolumeclaims,pods"
VOLATILE = {"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "clusterIP", "clusterIPs", "nodePort",
            "osb/cfg-hash", "ownerReferences", "status", "nodeName", "volumeName", "controller-revision-hash", "generateName",
            "pv.kubernetes.io/bind-completed", "volume.beta.kubernetes.io/storage-provisioner",
            "volume.kubernetes.io/storage-provisioner", "pv.kubernetes.io/bound-by-controller", "volume.kubernetes.io/selected-node",
            "deletionTimestamp", "finalizers"}


def _strip(value, namespace, in_secret=False):
    if isinstance(value, dict):
        return {k: ("(secret)" if in_secret and k != "metadata" and isinstance(v, str) else _strip(v, namespace))
                for k, v in sorted(value.items()) if k not in VOLATILE}
    if isinstance(value, list):
        return [_strip(v, namespace) for v in value]
    if isinstance(value, str):
        value = value.replace(namespace, "NS")
        value = re.sub(r"EXTERNAL://[^,:/]+:\d+", "EXTERNAL://HOST:PORT", value)
        return value
    return value


def normalized(testbed, namespace, instance):
    """{"Kind/name": content} of all objects of an instance."""
    items = json.loads(testbed.kubectl("-n", namespace, "get", KINDS, "-o", "json"))["items"]
    items.append(json.loads(testbed.kubectl("get", "ns", namespace, "-o", "json")))
    out = {}
    for item in items:
        kind, name = item["kind"], item["metadata"]["name"]
        if kind == "ConfigMap" and name == "kube-root-ca.crt":
            continue
        content = _strip({k: v for k, v in item.items() if k != "data"}, namespace)
        data = item.get("data") or {}
        if kind == "Secret":
            content["data"] = sorted(data)
        elif kind == "ConfigMap":
            content["data"] = {k: "(id)" if k == "cluster.id" else _strip(v, namespace) for k, v in sorted(data.items())}
        out[f"{kind}/{name.replace(namespace, 'NS')}"] = json.loads(json.dumps(content).replace(instance, "INSTANCE"))
    return out


def difference(a, b):
    """Texts that say where two normalized sets differ; empty when equal."""
    out = [f"only undisturbed: {k}" for k in sorted(set(a) - set(b))] + [f"only disturbed: {k}" for k in sorted(set(b) - set(a))]
    for key in sorted(set(a) & set(b)):
        if a[key] != b[key]:
            left, right = json.dumps(a[key], sort_keys=True), json.dumps(b[key], sort_keys=True)
            at = next((i for i, (x, y) in enumerate(zip(left, right)) if x != y), min(len(left), len(right)))
            out.append(f"{key}: …{left[max(0, at - 60):at + 80]}… became …{right[max(0, at - 60):at + 80]}…")
    return out
