# shellcheck shell=bash
# Tier 1: fake nodes whose pods are Ready at once and whose Kafka is the double; no containers.
# shellcheck disable=SC2153

FAKE_NODES=3

up_fake() {
  say "starting the fake nodes (5/6)"
  mkdir -p "$STATE/double"
  # The fake pods' addresses are this network's own: a connection to one is refused at once instead of lost.
  in_netns ip route add local "$FAKE_PODS" dev lo
  up_storage Immediate fake
  fake_port_forward
  # A short lease: kwok started again takes its nodes over from the one that was killed only when their leases have run out.
  launch kwok kwok --kubeconfig="$STATE/admin.conf" --config="$STATE/port-forward.yaml" --manage-all-nodes=false \
    --manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake --cidr="$FAKE_PODS" --node-lease-duration-seconds=8 \
    --node-ip="$NODE_IP" --node-port=10247 --tls-cert-file="$STATE/pki/kubelet.crt" --tls-private-key-file="$STATE/pki/kubelet.key"
  launch double python3 -u "$HERE/../double/kafka_double.py" "$STATE/admin.conf" --control="$NODE_IP:7070" \
    --log="$STATE/double.jsonl" --data="$STATE/double"
  fake_nodes >"$STATE/nodes.yaml"
  ready "the list of nodes" 30 apiserver kubectl apply -f "$STATE/nodes.yaml"
  say "waiting for the nodes (6/6)"
  ready "the fake nodes" 60 kwok fake_nodes_ready
  ready "the Kafka double" 30 double double_ready
}

fake_port_forward() {
  local port
  {
    printf 'apiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterPortForward\nmetadata: {name: kafka}\nspec:\n  forwards:\n'
    for port in 9071 9072 9074; do printf '  - {ports: [%s], target: {address: 127.0.0.1, port: %s}}\n' "$port" "$port"; done
  } >"$STATE/port-forward.yaml"
}

fake_nodes() {
  local n
  for ((n = 1; n <= FAKE_NODES; n++)); do
    cat <<Y
---
apiVersion: v1
kind: Node
metadata:
  name: fake-$n
  annotations: {kwok.x-k8s.io/node: fake}
  labels: {kubernetes.io/hostname: fake-$n, kubernetes.io/os: linux, kubernetes.io/arch: amd64, topology.kubernetes.io/zone: zone-$n}
status:
  allocatable: {cpu: "10000", memory: 40000Gi, pods: "20000"}
  capacity: {cpu: "10000", memory: 40000Gi, pods: "20000"}
Y
  done
}
fake_nodes_ready() {
  [ "$(kubectl get nodes -o 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}' | grep -ow True | wc -l)" = "$FAKE_NODES" ]
}
