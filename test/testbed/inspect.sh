# shellcheck shell=bash
# Commands on a running cluster.

cmd_status() {
  local file component failed=0
  cluster "${1:-cpb}"
  [ -d "$STATE" ] || die "no cluster '$NAME': start it with 'testbed up --name $NAME'"
  [ -f "$STATE/env" ] || { say "cluster $NAME is half up"; failed=1; }
  for file in "$STATE"/run/*.cmd; do
    component=$(basename "$file" .cmd)
    if running "$component"; then
      printf '%-12s runs, process %s\n' "$component" "$(cat "$STATE/run/$component.pid")"
    else
      printf '%-12s DOES NOT RUN, its log is %s\n' "$component" "$STATE/log/$component.log"
      failed=1
    fi
  done
  kubectl --request-timeout=5s get nodes || failed=1
  return $failed
}

cmd_env() {
  cluster "${1:-cpb}"
  up_or_die
  cat "$STATE/env"
}

cmd_list() {
  local file
  for file in "$STATES"/*/addresses; do
    [ ! -f "$file" ] || printf '%s\t%s\n' "$(basename "$(dirname "$file")")" "$(cat "$file")"
  done
}

cmd_kubectl() {
  [ $# -ge 1 ] || die "testbed kubectl NAME ARGS..."
  cluster "$1"
  shift
  up_or_die
  exec kubectl "$@"
}

cmd_load_image() {
  [ $# = 2 ] || die "testbed load-image NAME FILE.tar"
  cluster "$1"
  up_or_die
  [ "$TIER" = 2 ] || die "cluster $NAME is of tier 1: its pods are fake and need no image"
  [ -f "$2" ] || die "there is no image archive '$2'"
  # shellcheck source=node.sh
  . "$HERE/node.sh"
  load_image "$2"
}

# component_of NAME COMPONENT
component_of() {
  [ $# = 2 ] || die "name the cluster and the component"
  need_root
  cluster "$1"
  COMPONENT=$2
  [ -f "$STATE/run/$2.cmd" ] ||
    die "cluster $1 has no component '$2'; it has: $(cd "$STATE/run" 2>/dev/null && echo *.cmd | sed 's/\.cmd//g')"
}

# ended PID: its last thread is gone, and its ports with it; a process that nobody waits for stays as a zombie.
ended() {
  local threads=("/proc/$1/task"/*)
  [ ! -e "/proc/$1/task" ] || { [ ${#threads[@]} = 1 ] && grep -q '^State:.*Z' "/proc/$1/status"; }
} 2>/dev/null

cmd_stop() {
  component_of "$@"
  running "$COMPONENT" || die "$COMPONENT of cluster $NAME does not run"
  local pid
  pid=$(cat "$STATE/run/$COMPONENT.pid")
  kill -9 "$pid"
  wait_for 30 ended "$pid" || die "$COMPONENT of cluster $NAME (process $pid) does not end: look at it with ps"
}

cmd_start() {
  component_of "$@"
  ! running "$COMPONENT" || die "$COMPONENT of cluster $NAME runs already"
  rm -f "$STATE/run/$COMPONENT.pid"
  relaunch "$COMPONENT"
  case $COMPONENT in
    etcd | apiserver) ready "the API server" 60 "$COMPONENT" api_ready ;;
    kcm) ready "the controller manager" 60 kcm listens 10257 ;;
    scheduler) ready "the scheduler" 60 scheduler listens 10259 ;;
    kwok) ready "kwok" 60 kwok listens 10247 ;;
    double) ready "the Kafka double" 60 double double_ready ;;
  esac
}
