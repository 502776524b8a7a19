# shellcheck shell=bash
# Makes programs, jars and images in the cache, each once per version, whole or not at all.
# shellcheck source=deps.sh
. "$HERE/deps.sh"
# shellcheck source=images.sh
. "$HERE/images.sh"

CACHE_PART=0 CACHE_PARTS=0

# part TEXT TARGET MAKER ARGS...: MAKER ARGS... NEW makes NEW, which becomes TARGET.
part() {
  local text=$1 target=$2 new
  CACHE_PART=$((CACHE_PART + 1))
  [ ! -e "$target" ] || return 0
  shift 2
  new=$(mktemp -d "$CACHE/tmp/part.XXXXXX")
  mkdir -p "$(dirname "$target")"
  step "building $text ($CACHE_PART/$CACHE_PARTS)" "$CACHE/log/$(basename "$target").log" "$@" "$new/it"
  mv -T "$new/it" "$target"
  rm -rf "$new"
}

build_go() { # MODULE PACKAGE LDFLAGS NEW
  cd "$HERE/go/$1" || return
  CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS='-buildvcs=false -mod=readonly' "$(go_program)" build -trimpath -ldflags "-s -w $3" -o "$4" "$2"
}

build_kube() { # PROGRAM
  local version=k8s.io/component-base/version
  part "$1 $KUBERNETES" "$KUBE_BIN/$1" build_go kubernetes "k8s.io/kubernetes/cmd/$1" \
    "-X $version.gitVersion=v$KUBERNETES -X $version.gitMajor=1 -X $version.gitMinor=33 -X $version.gitTreeState=clean -X k8s.io/client-go/pkg/version.gitVersion=v$KUBERNETES"
}

build_jars() { # VERSION NEW
  mvn -B -ntp -f "$HERE/kafka/$1/pom.xml" dependency:copy-dependencies -DoutputDirectory="$2/libs" -DincludeScope=runtime
}

build_kafka_tool() { # NEW
  cat >"$1" <<'S'
#!/bin/bash
# kafka-tool CLASS ARGS...: runs a class of Kafka's own tools on this machine (KAFKA_VERSION chooses the jars).
exec java ${KAFKA_HEAP_OPTS:--Xmx256m} -XX:+UseSerialGC -XX:TieredStopAtLevel=1 ${KAFKA_LOG4J_OPTS:-} ${KAFKA_OPTS:-} \
  -cp "$(dirname "$(readlink -f "$0")")/../kafka-${KAFKA_VERSION:-4.1.1}/libs/*" "$@"
S
  chmod 755 "$1"
}

build() { locked "$CACHE/tmp/build.lock" build_locked "$@"; }
build_locked() {
  local tier=${1:-2} program version
  [[ $tier =~ ^([12]|clients)$ ]] || die "'$tier' is not a tier: build 1, build 2, or build clients"
  deps_locked
  rm -rf "$CACHE"/tmp/part.*
  if [ "$tier" = clients ]; then
    CACHE_PART=0 CACHE_PARTS=2
    part "the jars of Kafka 4.1.1" "$CACHE/kafka-4.1.1" build_jars 4.1.1
    part "kafka-tool" "$CACHE/bin/kafka-tool" build_kafka_tool
    return 0
  fi
  CACHE_PART=0 CACHE_PARTS=5
  [ "$tier" = 1 ] && [ $# -gt 0 ] || CACHE_PARTS=15
  for program in kube-apiserver kube-controller-manager kube-scheduler kubectl; do build_kube "$program"; done
  part "kwok $KWOK" "$CACHE/kwok-$KWOK/kwok" build_go kwok sigs.k8s.io/kwok/cmd/kwok ''
  [ "$CACHE_PARTS" = 15 ] || return 0
  build_kube kubelet
  build_kube kube-proxy
  part "coredns $COREDNS" "$CACHE/coredns-$COREDNS/coredns" build_go coredns github.com/coredns/coredns ''
  part "a Java runtime" "$CACHE/jre-17" build_jre
  part "the pause image" "$(image_file pause)" build_pause
  for version in "${KAFKA_VERSIONS[@]}"; do
    part "the jars of Kafka $version" "$CACHE/kafka-$version" build_jars "$version"
    part "the image of Kafka $version" "$(image_file "cp-kafka-$version")" build_kafka_image "$version"
  done
  part "kafka-tool" "$CACHE/bin/kafka-tool" build_kafka_tool
}
