# shellcheck shell=bash
# Stops a cluster, whatever state it is in, and removes everything it made on this machine.

down() {
  need_root
  cluster "$1"
  locked "$CACHE/tmp/$NAME.lock" down_locked
}

# Every process that was started for the cluster carries its mark in its environment (containerd's shims inherit it); what runs
# in pods is in the cluster's cgroups.
cluster_processes() {
  local file
  for file in /proc/[0-9]*/environ; do
    grep -qzxF "CPBROKER_TESTBED_OF=$STATE" "$file" && echo "$file" | cut -d/ -f3
  done 2>/dev/null
  find "/sys/fs/cgroup/$NETNS" "/sys/fs/cgroup"/*/"$NETNS" -name cgroup.procs -exec cat {} + 2>/dev/null || true
}

kill_all() {
  local end=$((SECONDS + 15)) pids
  while mapfile -t pids < <(cluster_processes | sort -u) && [ ${#pids[@]} -gt 0 ]; do
    [ "$SECONDS" -lt "$end" ] || die "these processes of cluster $NAME do not end: ${pids[*]}; look at them with ps, then run 'testbed down $NAME' again"
    kill -9 "${pids[@]}" 2>/dev/null || true
    sleep 0.1
  done
}

mounts_below() { awk -v top="$1/" 'index($5, top) == 1 {print $5}' /proc/self/mountinfo | sort -r; }

# What containerd and the CNI plugins keep outside the state folder.
down_strays() {
  local sandbox file
  for file in "$STATE"/containerd/state/io.containerd.runtime.v2.task/k8s.io/*/address; do
    [ ! -f "$file" ] || rm -f "$(sed 's#^unix://##' "$file")"
  done
  for file in /var/lib/cni/results/"$NETNS"-*-eth0; do
    [ -f "$file" ] || continue
    sandbox=${file#"/var/lib/cni/results/$NETNS-"}
    rm -f "$file" "/var/lib/cni/results/cni-loopback-${sandbox%-eth0}-lo"
  done
  for file in /var/log/containers/*; do
    [ ! -L "$file" ] || [[ $(readlink "$file") != "$STATE"/* ]] || rm -f "$file"
  done
}

down_locked() {
  local mount
  kill_all
  mounts_below "$STATE" | while read -r mount; do umount -l "$mount" 2>/dev/null || true; done
  [ -z "$(mounts_below "$STATE")" ] || die "cannot unmount $(mounts_below "$STATE" | head -n 1): something outside the testbed uses it; end that, then run 'testbed down $NAME' again"
  down_strays
  find "/sys/fs/cgroup/$NETNS" "/sys/fs/cgroup"/*/"$NETNS" -depth -type d -exec rmdir {} \; 2>/dev/null || true
  ip link del "$LINK" 2>/dev/null || true # first, and with it its other end: a namespace takes its links down later than it goes
  ip netns del "$NETNS" 2>/dev/null || true
  rm -rf --one-file-system "$STATE"
}
