# shellcheck shell=bash
# Configuration files of a cluster whose node is real (tier 2).

conf_containerd() {
  local snapshotter=overlayfs
  # An overlay cannot stand on an overlay, which is what containers of a CI give.
  [ "$(stat -f -c %T "$STATE")" != overlayfs ] || snapshotter=native
  cat >"$STATE/containerd.toml" <<Y
version = 2
root = "$STATE/containerd/root"
state = "$STATE/containerd/state"
[grpc]
  address = "$STATE/run/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$STATE/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$REGISTRY/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "$snapshotter"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "$STATE/run/runc"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$STATE/cni"
Y
  cat >"$STATE/cni/10-bridge.conflist" <<Y
{ "cniVersion": "0.4.0", "name": "$NETNS", "plugins": [
  { "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
    "ipam": { "type": "host-local", "dataDir": "$STATE/run/ipam", "ranges": [[{ "subnet": "$PODS" }]], "routes": [{ "dst": "0.0.0.0/0" }] } },
  { "type": "portmap", "capabilities": { "portMappings": true } } ] }
Y
}

conf_kubelet() {
  : >"$STATE/resolv.conf"
  cat >"$STATE/kubelet.yaml" <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 0.0.0.0
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $STATE/pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $STATE/pki/kubelet.crt
tlsPrivateKeyFile: $STATE/pki/kubelet.key
cgroupDriver: cgroupfs
cgroupRoot: /$NETNS
failCgroupV1: false
containerRuntimeEndpoint: unix://$STATE/run/containerd.sock
podLogsDir: $STATE/podlogs
volumePluginDir: $STATE/kubelet/plugins-exec
resolvConf: $STATE/resolv.conf
cgroupsPerQOS: true
enforceNodeAllocatable: [pods]
failSwapOn: false
clusterDomain: cluster.local
clusterDNS: [$DNS_IP]
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
maxPods: 250
Y
}

conf_coredns() {
  cat >"$STATE/Corefile" <<Y
.:53 {
    bind $DNS_IP
    errors
    health 127.0.0.1:8081
    kubernetes cluster.local in-addr.arpa {
        kubeconfig $STATE/admin.conf
        pods insecure
        ttl 1
    }
}
Y
}

conf_storage_class() { # BINDING_MODE
  cat >"$STATE/storageclass.yaml" <<Y
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: standard, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: $REGISTRY/folder
reclaimPolicy: Delete
allowVolumeExpansion: true
volumeBindingMode: $1
Y
}
