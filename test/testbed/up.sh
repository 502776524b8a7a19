# shellcheck shell=bash
# shellcheck disable=SC2153
# Starts a cluster: network, etcd, the control plane, and then a real node (tier 2) or fake ones with a simulated Kafka (tier 1).
for part in build down pki conf node fake; do
  # shellcheck disable=SC1090
  . "$HERE/$part.sh"
done

up() {
  local tier=2 name=cpb
  while [ $# -gt 0 ]; do
    case $1 in
      --tier) tier=${2:-}; shift ;;
      --tier=*) tier=${1#*=} ;;
      --name) name=${2:-}; shift ;;
      --name=*) name=${1#*=} ;;
      *) die "unknown argument '$1': testbed up [--tier 1|2] [--name NAME]" ;;
    esac
    shift || true
  done
  [[ $tier =~ ^[12]$ ]] || die "'$tier' is not a tier: --tier 1 (fake pods) or --tier 2 (real ones)"
  need_root
  cluster "$name"
  build "$tier"
  locked "$CACHE/tmp/$NAME.lock" up_locked "$tier"
}

up_locked() {
  local began=$SECONDS
  cluster "$NAME" # another 'up' may have made it while this one waited
  if [ -f "$STATE/env" ] && [ "$TIER" = "$1" ] && api_ready && all_running; then
    say "cluster $NAME is up already"
    return 0
  fi
  down_locked
  mkdir -p "$STATE"/{pki,log,run,etcd}
  TIER=$1
  locked "$CACHE/tmp/addresses.lock" network
  step "making certificates (2/6)" "$STATE/log/pki.log" pki
  say "starting etcd and the API server (3/6)"
  up_api
  say "starting the controllers (4/6)"
  up_controllers
  if [ "$TIER" = 2 ]; then up_node; else up_fake; fi
  ready "the default service account" 30 kcm kubectl -n default get serviceaccount default
  write_env
  say "cluster $NAME (tier $TIER) is up after $((SECONDS - began)) s: KUBECONFIG=$KUBECONFIG"
}

# The cluster's own network: a namespace joined to this machine by one pair of addresses. Nothing in it is routed any further.
network() {
  local n=0 taken
  say "making the network (1/6)"
  taken=$(ip -o -4 addr show; ip route; cat "$STATES"/*/addresses 2>/dev/null || true)
  while grep -qF "10.99.$n." <<<"$taken"; do n=$((n + 1)); done
  [ "$n" -lt 255 ] || die "no free network 10.99.N.0/24 is left: remove clusters that nobody uses ('testbed list')"
  NODE_IP=10.99.$n.1 HOST_IP=10.99.$n.2
  printf 'NODE_IP=%s HOST_IP=%s TIER=%s\n' "$NODE_IP" "$HOST_IP" "$TIER" >"$STATE/addresses"
  modprobe -qa br_netfilter overlay veth 2>/dev/null || true
  ip netns add "$NETNS"
  # A link of that name that was just removed may take a moment to go.
  wait_for 5 ip link add "$LINK" type veth peer name eth0 netns "$NETNS" ||
    die "cannot make the interface $LINK: $(ip link add "$LINK" type veth peer name eth0 netns "$NETNS" 2>&1)"
  ip addr add "$HOST_IP/24" dev "$LINK"
  ip link set "$LINK" up
  in_netns ip link set lo up
  in_netns ip addr add "$NODE_IP/24" dev eth0
  in_netns ip addr add "$DNS_IP/32" dev lo
  in_netns ip link set eth0 up
  in_netns ip route add default via "$HOST_IP"
  in_netns sysctl -qw net.ipv4.ip_forward=1
  in_netns sysctl -qw net.bridge.bridge-nf-call-iptables=1 2>/dev/null || true
}

up_api() {
  local requests=()
  [ "$TIER" = 2 ] || requests=(--max-requests-inflight=3000 --max-mutating-requests-inflight=1500)
  launch etcd etcd --name="$NAME" --data-dir="$STATE/etcd" --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
    --listen-peer-urls=http://127.0.0.1:2380 --unsafe-no-fsync --quota-backend-bytes=8589934592
  # CPBROKER_TESTBED_APISERVER_FLAGS: more flags, for example --goaway-chance=0.02
  # shellcheck disable=SC2086
  launch apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --bind-address=0.0.0.0 --secure-port=6443 --advertise-address="$NODE_IP" \
    --service-cluster-ip-range="$SERVICES" --client-ca-file="$STATE/pki/ca.crt" \
    --tls-cert-file="$STATE/pki/apiserver.crt" --tls-private-key-file="$STATE/pki/apiserver.key" --cert-dir="$STATE/pki" \
    --service-account-key-file="$STATE/pki/sa.pub" --service-account-signing-key-file="$STATE/pki/sa.key" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
    --kubelet-preferred-address-types=InternalIP,Hostname --kubelet-certificate-authority="$STATE/pki/ca.crt" \
    --kubelet-client-certificate="$STATE/pki/apiserver-kubelet.crt" --kubelet-client-key="$STATE/pki/apiserver-kubelet.key" \
    "${requests[@]}" ${CPBROKER_TESTBED_APISERVER_FLAGS:-}
  [ "$TIER" = 1 ] || up_containerd # while the API server starts
  ready "the API server" 90 apiserver api_ready
}

up_controllers() {
  local rate=()
  [ "$TIER" = 2 ] || rate=(--concurrent-statefulset-syncs=50 --concurrent-namespace-syncs=50 --kube-api-qps=300 --kube-api-burst=600)
  launch kcm kube-controller-manager --kubeconfig="$STATE/kcm.conf" --authentication-kubeconfig="$STATE/kcm.conf" --authorization-kubeconfig="$STATE/kcm.conf" \
    --bind-address=127.0.0.1 --use-service-account-credentials=true --service-account-private-key-file="$STATE/pki/sa.key" --root-ca-file="$STATE/pki/ca.crt" \
    --cluster-signing-cert-file="$STATE/pki/ca.crt" --cluster-signing-key-file="$STATE/pki/ca.key" --cert-dir="$STATE/pki" --leader-elect=false "${rate[@]}"
  [ "$TIER" = 2 ] || rate=(--kube-api-qps=300 --kube-api-burst=600)
  launch scheduler kube-scheduler --kubeconfig="$STATE/scheduler.conf" --authentication-kubeconfig="$STATE/scheduler.conf" \
    --authorization-kubeconfig="$STATE/scheduler.conf" --bind-address=127.0.0.1 --cert-dir="$STATE/pki" --leader-elect=false "${rate[@]}"
}

# up_storage BINDING_MODE KIND
up_storage() {
  conf_storage_class "$1"
  mkdir -p "$STATE/volumes"
  launch provisioner python3 -u "$HERE/provisioner.py" "$STATE/admin.conf" "$REGISTRY/folder" "$2" "$STATE/volumes"
  ready "the storage class" 30 apiserver kubectl apply -f "$STATE/storageclass.yaml"
}

write_env() {
  {
    cat <<Y
KUBECONFIG=$STATE/admin.conf
TESTBED_NAME=$NAME
TESTBED_TIER=$TIER
TESTBED_STATE=$STATE
TESTBED_CACHE=$CACHE
NODE_IP=$NODE_IP
HOST_IP=$HOST_IP
KUBECTL=$KUBE_BIN/kubectl
TESTBED_PYTHON=$CACHE/venv/bin/python
CPBROKER_IMAGE_MAP=$HERE/image-map.yaml
Y
    [ ! -x "$CACHE/bin/kafka-tool" ] || echo "KAFKA_TOOL=$CACHE/bin/kafka-tool"
    [ "$TIER" = 2 ] || printf 'DOUBLE_CONTROL=http://%s:7070\nDOUBLE_LOG=%s\n' "$NODE_IP" "$STATE/double.jsonl"
  } >"$STATE/env.new"
  mv "$STATE/env.new" "$STATE/env"
}

all_running() {
  local file
  for file in "$STATE"/run/*.cmd; do
    running "$(basename "$file" .cmd)" || return 1
  done
}
