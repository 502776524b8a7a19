/* A pod's port as a stream: WebSocket v4.channel.k8s.io through the API server, one channel byte in front of each message. */
#include "base/clock.h"
#include "base/mem.h"
#include "kube/object.h"
#include "kube/request.h"
#include "net/websocket.h"

#include <string.h>

#define CHANNELS 2 /* data and error of the one port */
#define MESSAGE_BYTES 300
#define CHUNK_BYTES ((size_t)64 << 10)

enum { CHANNEL_DATA = 0, CHANNEL_ERROR = 1 };

typedef struct PortForward {
    Stream base;
    WebSocket *ws;
    char *target;   /* "osb-1/kafka-0:9072", for errors */
    Str message;    /* the last message read, channel byte included */
    size_t at;      /* first byte of it that is not handed out yet */
    bool ended;
} PortForward;

static Stream *portforward_free(PortForward *f)
{
    websocket_free(f->ws);
    str_free(&f->message);
    free(f->target);
    free(f);
    return NULL;
}
DEFINE_CLEANUP(PortForward *, portforward_free)

static void portforward_close(Stream *s)
{
    portforward_free((PortForward *)s);
}

/* What the kubelet says on the error channel: nothing listens, the pod is gone, … */
static bool remote_error(PortForward *f, Error *err)
{
    f->ended = true;
    while (f->message.len > 1 && (unsigned char)f->message.data[f->message.len - 1] <= 0x20)
        f->message.data[--f->message.len] = '\0';
    const char *text = str_text(&f->message) + 1, *shown = text;
    if (f->message.len - 1 > MESSAGE_BYTES) /* the reason stands at the end */
        for (shown = text + (f->message.len - 1 - MESSAGE_BYTES); ((unsigned char)*shown & 0xc0) == 0x80;)
            shown++;
    return error_set(err, ERR_RETRY, "port-forward to %s: %s%s", f->target, shown == text ? "" : "...", shown);
}

static bool portforward_read(Stream *s, void *buffer, size_t max, size_t *ret_n, int64_t deadline_ms, Error *err)
{
    PortForward *f = (PortForward *)s;
    while (!f->ended && f->at >= f->message.len) {
        if (!websocket_read(f->ws, &f->message, &f->ended, deadline_ms, err))
            return error_wrap(err, "port-forward to %s", f->target);
        f->at = 1;
        if (f->ended || f->message.len <= 1)
            continue;
        if (f->message.data[0] == CHANNEL_ERROR)
            return remote_error(f, err);
        if (f->message.data[0] != CHANNEL_DATA)
            return error_set(err, ERR_INTERNAL, "port-forward to %s: message on unknown channel %d", f->target,
                             f->message.data[0]);
    }
    size_t left = f->ended ? 0 : f->message.len - f->at, n = left < max ? left : max;
    if (n)
        memcpy(buffer, f->message.data + f->at, n);
    f->at += n;
    *ret_n = n;
    return true;
}

static bool portforward_write(Stream *s, const void *bytes, size_t n, int64_t deadline_ms, Error *err)
{
    static const char channel = CHANNEL_DATA;
    PortForward *f = (PortForward *)s;
    for (size_t done = 0; done < n;) {
        size_t part = n - done < CHUNK_BYTES ? n - done : CHUNK_BYTES;
        if (!websocket_write(f->ws, (const Bytes[2]){{&channel, 1}, {(const char *)bytes + done, part}}, deadline_ms, err))
            return error_wrap(err, "port-forward to %s", f->target);
        done += part;
    }
    return true;
}

static const StreamOps operations = {portforward_read, portforward_write, portforward_close};

/* The first message of each channel repeats the port, two bytes, low byte first. */
static bool read_ports(PortForward *f, int port, int64_t deadline_ms, Error *err)
{
    bool seen[CHANNELS] = {false};
    while (!seen[CHANNEL_DATA] || !seen[CHANNEL_ERROR]) {
        bool end = false;
        if (!websocket_read(f->ws, &f->message, &end, deadline_ms, err))
            return error_wrap(err, "port-forward to %s", f->target);
        if (end)
            return error_set(err, ERR_RETRY, "port-forward to %s: closed by the API server", f->target);
        const unsigned char *m = (const unsigned char *)str_text(&f->message);
        if (f->message.len <= 1)
            continue;
        if (m[0] == CHANNEL_ERROR && seen[CHANNEL_ERROR])
            return remote_error(f, err);
        if (m[0] >= CHANNELS || seen[m[0]] || f->message.len != 3 || m[1] + 256 * m[2] != port)
            return error_set(err, ERR_INTERNAL, "port-forward to %s: the channels did not begin with the port", f->target);
        seen[m[0]] = true;
    }
    str_clear(&f->message);
    f->at = 0;
    return true;
}

/* TCP and, unless the server is plain, TLS to the API server with the cluster's credential. */
static bool connect_server(const KubeConfig *config, const Credential *credential, int64_t deadline_ms, Stream **ret,
                           Error *err)
{
    CLEANUP(stream_free) Stream *tcp = NULL;
    const TlsOptions tls = {.ca_pem = config->ca_pem, .cert_pem = credential->cert_pem, .key_pem = credential->key_pem,
                            .server_name = config->server_name, .alpn = "http/1.1"};
    if (!tcp_stream_new(config->host, config->port, deadline_ms, &tcp, err))
        return false;
    if (!config->plain)
        return tls_stream_new(&tcp, &tls, deadline_ms, ret, err);
    *ret = TAKE(tcp);
    return true;
}

static bool upgrade(const KubeConfig *config, const Credential *credential, const char *path, int64_t deadline_ms,
                    WebSocket **ret, Error *err)
{
    CLEANUP(stream_free) Stream *stream = NULL;
    CLEANUP_SECRET char *authorization = credential->token ? xasprintf("Authorization: Bearer %s", credential->token) : NULL;
    CLEANUP_FREE char *host = host_port(config->server_name, config->port);
    CLEANUP_FREE char *full = xasprintf("%s%s", config->base, path);
    const char *const headers[] = {"User-Agent: cpbroker/" CPBROKER_VERSION, authorization, NULL};
    const WebSocketRequest request = {.host = host, .path = full, .headers = headers, .subprotocol = "v4.channel.k8s.io"};
    return connect_server(config, credential, deadline_ms, &stream, err) &&
           websocket_connect(&stream, &request, deadline_ms, ret, err);
}

/* upgrade() with the valid credential, and once more with a new one after 401. */
static bool open_socket(Kube *kube, const char *path, int64_t deadline_ms, WebSocket **ret, Error *err)
{
    for (bool again = true;; again = false) {
        CLEANUP(credential_free) Credential credential = {0};
        unsigned long generation = 0;
        Error fault = {0};
        if (!cluster_credential(kube->cluster, &credential, &generation, err))
            return false;
        if (upgrade(&kube->cluster->config, &credential, path, deadline_ms, ret, &fault))
            return true;
        if (again && fault.kind == ERR_DENIED && strstr(fault.text, "status 401") &&
            cluster_credential_refused(kube->cluster, generation))
            continue;
        if (strstr(fault.text, "does not have a host assigned"))
            fault.kind = ERR_RETRY; /* 400 for a pod that is not scheduled yet */
        if (err)
            *err = fault;
        return false;
    }
}

bool kube_portforward(Kube *kube, const KubePort *to, int64_t deadline_ms, Stream **ret, Error *err)
{
    CLEANUP(portforward_free) PortForward *f = xcalloc(1, sizeof(*f));
    CLEANUP_FREE char *pod_path = object_path("Pod", to->ns, to->pod);
    int left;
    f->base.ops = &operations;
    f->target = xasprintf("%s/%s:%d", to->ns ? to->ns : "", to->pod ? to->pod : "", to->port);
    if (!pod_path || !to->pod || to->port < 1 || to->port > 65535)
        return error_set(err, ERR_INVALID, "port-forward to %s: needs a namespace, a pod and a port of 1 to 65535", f->target);
    CLEANUP_FREE char *path = xasprintf("%s/portforward?ports=%d", pod_path, to->port);
    int64_t now = clock_ms();
    int limit = deadline_ms - now > INT32_MAX ? INT32_MAX : (int)(deadline_ms - now);
    if (limit <= 0 || !kube_time_left(kube, limit, &left, err))
        return error_set(err, ERR_RETRY, "port-forward to %s: the time for it is used up", f->target);
    if (!open_socket(kube, path, now + left, &f->ws, err))
        return error_wrap(err, "port-forward to %s", f->target);
    if (!read_ports(f, to->port, now + left, err))
        return false;
    *ret = &TAKE(f)->base;
    return true;
}
