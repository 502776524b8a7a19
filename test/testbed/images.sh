# shellcheck shell=bash
# Container images without a registry or a daemon: one-layer docker archives of this machine's programs and Maven's jars.

# image_file NAME: where the image is kept. The recipe is part of the name, so a changed recipe makes a new image.
image_file() {
  local recipe
  recipe=$(cat "$HERE/images.sh" "$HERE/pause.c" "$HERE"/kafka/*/pom.xml | sha256sum | cut -c1-12)
  echo "$CACHE/images/$1-$recipe.tar"
}

# image_archive NAME:TAG ROOT_FOLDER ENTRYPOINT_JSON FILE
image_archive() {
  local work sum config arch
  work=$(mktemp -d "$CACHE/tmp/part.XXXXXX")
  arch=$(dpkg --print-architecture)
  tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$2" -cf "$work/layer.tar" .
  sum=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
  mkdir "$work/$sum"
  mv "$work/layer.tar" "$work/$sum/"
  printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":%s,"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$arch" "$3" "$sum" >"$work/config"
  config=$(sha256sum "$work/config" | cut -d' ' -f1)
  mv "$work/config" "$work/$config.json"
  printf '[{"Config":"%s.json","RepoTags":["%s"],"Layers":["%s/layer.tar"]}]' "$config" "$1" "$sum" >"$work/manifest.json"
  tar -C "$work" -cf "$4" "$config.json" "$sum" manifest.json
  rm -rf "$work"
}

# image_libraries ROOT_FOLDER FILE...: copies the shared libraries that those files need and that are not inside the Java runtime.
image_libraries() {
  local root=$1 library
  shift
  { ldd "$@" 2>/dev/null || true; } | { grep -o '/[^ :]*' || true; } | sort -u | while read -r library; do
    case $library in
      "$CACHE"/*) ;;
      *.so*) mkdir -p "$root$(dirname "$library")" && { [ -e "$root$library" ] || cp -L "$library" "$root$library"; } ;;
    esac
  done
}

# image_root ROOT_FOLDER PROGRAM...: a root with those programs of this machine, their libraries and the DNS resolver.
image_root() {
  local root=$1 program folder
  shift
  mkdir -p "$root"/{bin,etc,tmp,usr/bin,lib64}
  chmod 1777 "$root/tmp"
  for program in "$@"; do
    program=$(command -v "$program")
    cp -L "$program" "$root/bin/"
    image_libraries "$root" "$program"
  done
  for folder in /lib/*-linux-gnu; do
    for program in libnss_dns libnss_files libresolv; do
      [ ! -e "$folder/$program.so.2" ] || { mkdir -p "$root$folder" && cp -L "$folder/$program.so.2" "$root$folder/"; }
    done
  done
  ln -sf dash "$root/bin/sh"
  echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
  printf 'root:x:0:0::/:/bin/sh\nappuser:x:1000:1000::/home/appuser:/bin/bash\n' >"$root/etc/passwd"
}

build_pause() { # NEW
  local root
  root=$(mktemp -d "$CACHE/tmp/part.XXXXXX")
  gcc -Os -static -s -o "$root/pause" "$HERE/pause.c"
  image_archive "$REGISTRY/pause:1" "$root" '["/pause"]' "$1"
  rm -rf "$root"
}

build_jre() { # NEW
  jlink --strip-debug --no-man-pages --no-header-files --compress=2 --output "$1" --add-modules \
java.base,java.compiler,java.desktop,java.instrument,java.logging,java.management,java.management.rmi,java.naming,java.net.http,\
java.rmi,java.scripting,java.security.jgss,java.security.sasl,java.sql,java.xml,jdk.crypto.ec,jdk.httpserver,jdk.jfr,jdk.management,\
jdk.management.agent,jdk.naming.dns,jdk.net,jdk.security.auth,jdk.unsupported,jdk.zipfs
}

# build_kafka_image VERSION NEW: an image that keeps the contract of confluentinc/cp-kafka as far as the broker relies on it:
# bash, the programs /usr/bin/kafka-* without ".sh", user 1000 appuser, the JMX agent under /usr/share/java/cp-base-new.
build_kafka_image() {
  local root
  root=$(mktemp -d "$CACHE/tmp/part.XXXXXX")
  chmod 755 "$root"
  image_root "$root" dash bash cat ls sleep id rm mkdir date head tail grep sed cut tr hostname wc env timeout od touch
  mkdir -p "$root"/usr/share/java/{kafka,cp-base-new} "$root"/usr/lib/jvm "$root"/var/lib/kafka/data "$root"/home/appuser
  cp -a "$CACHE/jre-17" "$root/usr/lib/jvm/jre"
  image_libraries "$root" "$CACHE"/jre-17/bin/java "$CACHE"/jre-17/lib/server/libjvm.so "$CACHE"/jre-17/lib/*.so
  cp "$CACHE/kafka-$1"/libs/*.jar "$root/usr/share/java/kafka/"
  mv "$root"/usr/share/java/kafka/jmx_prometheus_javaagent-*.jar "$root/usr/share/java/cp-base-new/"
  kafka_programs "$1" "$root/usr/bin"
  image_archive "$REGISTRY/cp-kafka:$1" "$root" '["/bin/bash"]' "$2"
  rm -rf "$root"
}

kafka_programs() { # VERSION FOLDER
  local program class acls=org.apache.kafka.tools.AclCommand
  [[ $1 != 3.* ]] || acls=kafka.admin.AclCommand
  cat >"$2/kafka-run-class" <<'S'
#!/bin/bash
exec /usr/lib/jvm/jre/bin/java ${KAFKA_HEAP_OPTS:--Xmx512m} -server -XX:+UseSerialGC -Djava.awt.headless=true $KAFKA_LOG4J_OPTS $KAFKA_OPTS -cp "/usr/share/java/kafka/*" "$@"
S
  # shellcheck disable=SC2016
  while read -r program class; do printf '#!/bin/bash\nexec kafka-run-class %s "$@"\n' "$class" >"$2/$program"; done <<S
kafka-server-start kafka.Kafka
kafka-storage kafka.tools.StorageTool
zookeeper-server-start org.apache.zookeeper.server.quorum.QuorumPeerMain
connect-distributed org.apache.kafka.connect.cli.ConnectDistributed
connect-mirror-maker org.apache.kafka.connect.mirror.MirrorMaker
kafka-topics org.apache.kafka.tools.TopicCommand
kafka-configs kafka.admin.ConfigCommand
kafka-acls $acls
kafka-consumer-groups org.apache.kafka.tools.consumer.group.ConsumerGroupCommand
kafka-metadata-quorum org.apache.kafka.tools.MetadataQuorumCommand
kafka-reassign-partitions org.apache.kafka.tools.reassign.ReassignPartitionsCommand
kafka-leader-election org.apache.kafka.tools.LeaderElectionCommand
kafka-features org.apache.kafka.tools.FeatureCommand
kafka-console-producer org.apache.kafka.tools.ConsoleProducer
kafka-console-consumer org.apache.kafka.tools.consumer.ConsoleConsumer
S
  chmod 755 "$2"/*
}
