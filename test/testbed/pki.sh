# shellcheck shell=bash
# The cluster's certificate authority, certificates, service account key and kubeconfigs.

pki_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

pki_cert() { # NAME SUBJECT [SUBJECT_ALT_NAMES]
  pki_key "$1.key"
  openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
  printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n%s\n' "${3:+subjectAltName=$3}" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
}

pki_kubeconfig() { # NAME
  cat >"$STATE/$1.conf" <<Y
apiVersion: v1
kind: Config
clusters: [{name: $NAME, cluster: {server: "https://$NODE_IP:6443", certificate-authority-data: $(base64 -w0 ca.crt)}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$1.crt"), client-key-data: $(base64 -w0 "$1.key")}}]
contexts: [{name: $NAME, context: {cluster: $NAME, user: $1}}]
current-context: $NAME
Y
  chmod 600 "$STATE/$1.conf"
}

pki() {
  local who
  cd "$STATE/pki" || return
  pki_key ca.key
  openssl req -x509 -new -key ca.key -days 3650 -subj "/CN=testbed-$NAME" -out ca.crt
  pki_cert apiserver /CN=kube-apiserver "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:$SERVICE_API,IP:$NODE_IP"
  pki_cert admin /O=system:masters/CN=admin
  pki_cert kcm /CN=system:kube-controller-manager
  pki_cert scheduler /CN=system:kube-scheduler
  pki_cert proxy /CN=system:kube-proxy
  pki_cert kubelet "/O=system:nodes/CN=system:node:$NODE" "DNS:$NODE,IP:$NODE_IP"
  pki_cert apiserver-kubelet /O=system:masters/CN=kube-apiserver-kubelet-client
  pki_key sa.key
  openssl pkey -in sa.key -pubout -out sa.pub
  for who in admin kcm scheduler proxy kubelet; do pki_kubeconfig "$who"; done
}
