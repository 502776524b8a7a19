# shellcheck shell=bash
# Tier 2: one real node (containerd, kubelet, kube-proxy), DNS, and volumes that are folders of this machine.

up_containerd() {
  local archive
  mkdir -p "$STATE"/{cni,containerd,kubelet,podlogs}
  conf_containerd
  launch containerd containerd --config "$STATE/containerd.toml"
  ready "containerd" 20 containerd ctr -a "$STATE/run/containerd.sock" version
  for archive in "$(image_file pause)" "$(image_file cp-kafka-3.9.1)" "$(image_file cp-kafka-4.1.1)"; do
    load_image "$archive"
  done
}

load_image() {
  local out
  out=$(ctr -a "$STATE/run/containerd.sock" -n k8s.io images import "$1" 2>&1) ||
    die "containerd does not take the image archive $1: $out"
}

# The kubelet's pods live under a cgroup of their own, so that clusters do not mix and 'down' finds every process.
make_cgroups() {
  local top=/sys/fs/cgroup folder
  if [ -f $top/cgroup.controllers ]; then
    enable_controllers $top
    mkdir -p "$top/$NETNS"
    enable_controllers "$top/$NETNS"
    return 0
  fi
  for folder in "$top"/*/; do
    [ ! -f "$folder/cgroup.controllers" ] || continue
    [ -f "$folder/cgroup.procs" ] || continue
    mkdir -p "$folder$NETNS"
    if [ -f "$folder/cpuset.cpus" ]; then
      cat "$folder/cpuset.cpus" >"$folder$NETNS/cpuset.cpus"
      cat "$folder/cpuset.mems" >"$folder$NETNS/cpuset.mems"
    fi
  done
}
enable_controllers() {
  local controller
  # shellcheck disable=SC2013
  for controller in $(cat "$1/cgroup.controllers"); do
    echo "+$controller" >"$1/cgroup.subtree_control" 2>/dev/null || true
  done
}

up_node() {
  say "starting the node (5/6)"
  conf_kubelet
  conf_coredns
  make_cgroups
  launch kubelet kubelet --config="$STATE/kubelet.yaml" --kubeconfig="$STATE/kubelet.conf" --root-dir="$STATE/kubelet" --cert-dir="$STATE/pki" \
    --hostname-override="$NODE" --node-ip="$NODE_IP" --node-labels="topology.kubernetes.io/zone=zone-a"
  launch proxy kube-proxy --kubeconfig="$STATE/proxy.conf" --proxy-mode=iptables --cluster-cidr="$PODS" --hostname-override="$NODE" \
    --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
  launch coredns coredns -conf "$STATE/Corefile"
  up_storage WaitForFirstConsumer local
  say "waiting for the node (6/6)"
  ready "the node" 90 kubelet node_ready
}
node_ready() { kubectl get node "$NODE" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' | grep -qx True; }
