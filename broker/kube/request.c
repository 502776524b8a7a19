/* Requests to the API server on one kept connection. */
#include "kube/request.h"

#include "base/clock.h"
#include "base/mem.h"

#include <string.h>

#define REQUEST_MS 30000

bool kube_new(KubeCluster *cluster, Kube **ret, Error *err)
{
    (void)err;
    Kube *kube = xcalloc(1, sizeof(*kube));
    kube->cluster = cluster;
    *ret = kube;
    return true;
}

Kube *kube_free(Kube *kube)
{
    if (!kube)
        return NULL;
    http_client_free(kube->http);
    free(kube->http_cert);
    free(kube);
    return NULL;
}

void kube_set_deadline(Kube *kube, int64_t deadline_ms)
{
    kube->deadline_ms = deadline_ms;
}

bool kube_time_left(const Kube *kube, int limit_ms, int *ret_ms, Error *err)
{
    int64_t left = kube->deadline_ms ? kube->deadline_ms - clock_ms() : limit_ms;
    if (left <= 0)
        return error_set(err, ERR_RETRY, "the time for this step is used up; the request was not sent");
    *ret_ms = left < limit_ms ? (int)left : limit_ms;
    return true;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Connects anew when the client certificate has changed; a token needs no new connection. */
static bool ensure_client(Kube *kube, const Credential *credential, Error *err)
{
    const KubeConfig *config = &kube->cluster->config;
    if (kube->http && same(kube->http_cert, credential->cert_pem))
        return true;
    CLEANUP_FREE char *connect_to = host_port(config->host, config->port);
    const HttpTls tls = {config->ca_pem, credential->cert_pem, credential->key_pem,
                         strcmp(config->server_name, config->host) != 0 ? connect_to : NULL};
    HttpClient *http = NULL;
    if (!http_client_new(&tls, config->plain, &http, err))
        return false;
    http_client_free(kube->http);
    free(kube->http_cert);
    kube->http = http;
    kube->http_cert = xstrdup(credential->cert_pem);
    return true;
}

/* One exchange with one credential. */
static bool exchange(Kube *kube, const KubeCall *call, const Credential *credential, HttpResponse *ret, Error *err)
{
    const KubeConfig *config = &kube->cluster->config;
    CLEANUP_SECRET char *authorization = credential->token ? xasprintf("Authorization: Bearer %s", credential->token) : NULL;
    CLEANUP_FREE char *type = call->content_type ? xasprintf("Content-Type: %s", call->content_type) : NULL;
    CLEANUP_FREE char *server = host_port(config->server_name, config->port);
    CLEANUP_FREE char *url = xasprintf("%s://%s%s%s", config->plain ? "http" : "https", server, config->base, call->path);
    const char *headers[5] = {"Accept: application/json", "User-Agent: cpbroker/" CPBROKER_VERSION};
    size_t n = 2;
    if (type)
        headers[n++] = type;
    if (authorization)
        headers[n++] = authorization;
    HttpRequest request = {.method = call->method, .url = url, .headers = headers, .body = call->body,
                           .body_len = call->body ? strlen(call->body) : 0, .max_response = call->max_response};
    return kube_time_left(kube, REQUEST_MS, &request.timeout_ms, err) && ensure_client(kube, credential, err) &&
           http_request(kube->http, &request, ret, err);
}

static bool perform(Kube *kube, const KubeCall *call, HttpResponse *ret, Error *err)
{
    for (bool again = true;; again = false) {
        CLEANUP(credential_free) Credential credential = {0};
        CLEANUP(http_response_free) HttpResponse response = {0};
        unsigned long generation = 0;
        int left;
        if (!kube_time_left(kube, REQUEST_MS, &left, err) ||
            !cluster_credential(kube->cluster, &credential, &generation, err) ||
            !exchange(kube, call, &credential, &response, err))
            return false;
        if (response.status == 401 && again && cluster_credential_refused(kube->cluster, generation))
            continue;
        *ret = response;
        response = (HttpResponse){0};
        return true;
    }
}

bool kube_call(Kube *kube, const KubeCall *call, json_t **ret, Error *err)
{
    CLEANUP(http_response_free) HttpResponse response = {0};
    CLEANUP_FREE char *what = kube_call_text(call);
    if (!perform(kube, call, &response, err))
        return error_wrap(err, "%s", what);
    if (response.status < 200 || response.status > 299)
        return kube_status_error(call, &response, err);
    if (!ret)
        return true;
    if (!json_parse(str_text(&response.body), response.body.len, ret, err))
        return error_set(err, ERR_INTERNAL, "%s: the answer is not JSON; does %s:%s belong to a Kubernetes API server?", what,
                         kube->cluster->config.host, kube->cluster->config.port);
    return true;
}
