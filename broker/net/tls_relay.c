/* The steps of one connection. */
#include "net/tls_relay.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MAX_MOVES 8 /* of a buffer in one step, so that one connection does not hold up the others */
#define MAX_DRAIN (8 * 1024 * 1024)

typedef enum Move { MOVED, WAITS, ENDED, BROKEN } Move;

/* Writes what the other side takes now. false: the connection is broken. */
typedef bool (*Put)(Relay *r, const char *bytes, size_t n, size_t *ret_taken);

Relay *relay_new(int fd, const struct sockaddr *address, socklen_t address_len)
{
    Relay *r = xcalloc(1, sizeof(*r));
    r->outer = fd;
    r->inner = -1;
    r->address_len = address_len < sizeof(r->address) ? address_len : sizeof(r->address);
    memcpy(&r->address, address, r->address_len);
    return r;
}

static void rest_clear(Rest *rest)
{
    secret_free(rest->bytes, rest->len);
    *rest = (Rest){0};
}

void relay_free(Relay *r)
{
    rest_clear(&r->to_client);
    rest_clear(&r->to_server);
    SSL_free(r->ssl);
    close(r->outer);
    if (r->inner >= 0)
        close(r->inner);
    free(r);
}

static bool watch(Relay *r, int fd, RelayTools *tools)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = r};
    return epoll_ctl(tools->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void relay_begin(Relay *r, RelayTools *tools)
{
    r->ssl = tls_server_accept(tools->tls, r->outer);
    r->deadline_ms = clock_ms() + tools->handshake_ms;
    if (!watch(r, r->outer, tools))
        r->state = RELAY_DONE;
}

/* Whether a call of OpenSSL only waits for the socket. */
static bool waits(Relay *r, int result)
{
    int kind = SSL_get_error(r->ssl, result);
    return kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE;
}

static void drain_from_now(Relay *r, RelayTools *tools)
{
    shutdown(r->outer, SHUT_WR);
    if (r->inner >= 0)
        close(r->inner);
    r->inner = -1;
    r->state = RELAY_DRAIN;
    r->deadline_ms = clock_ms() + tools->drain_ms;
}

/* A certificate that is refused is worth a line; scanners and plain HTTP are not. */
static void log_refusal(const Relay *r)
{
    char client[NI_MAXHOST] = "";
    unsigned long e = ERR_peek_last_error();
    long verified = SSL_get_verify_result(r->ssl);
    bool denied = verified != X509_V_OK ||
                  (ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE);
    const char *reason = verified != X509_V_OK ? X509_verify_cert_error_string(verified) : ERR_reason_error_string(e);
    LogLevel level = denied ? LOG_INFO : LOG_DEBUG;
    if (!log_enabled(level))
        return;
    getnameinfo((const struct sockaddr *)&r->address, r->address_len, client, sizeof(client), NULL, 0, NI_NUMERICHOST);
    log_event(level, denied ? "TLS client refused" : "TLS handshake failed", "client", client, "reason", reason ? reason : "connection lost", NULL);
}

/* Puts a plain connection between the client and the server. */
static bool open_inner(Relay *r, RelayTools *tools)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    r->inner = pair[0];
    r->state = RELAY_OPEN;
    r->deadline_ms = 0;
    if (watch(r, r->inner, tools) && tools->open(tools->context, pair[1], (struct sockaddr *)&r->address, r->address_len))
        return true;
    close(pair[1]);
    return false;
}

static Move handshake(Relay *r, RelayTools *tools)
{
    int result = SSL_do_handshake(r->ssl);
    if (result == 1)
        return open_inner(r, tools) ? MOVED : BROKEN;
    if (waits(r, result))
        return WAITS;
    log_refusal(r);
    drain_from_now(r, tools);
    return MOVED;
}

static bool put_client(Relay *r, const char *bytes, size_t n, size_t *ret_taken)
{
    size_t taken;
    for (*ret_taken = 0; *ret_taken < n; *ret_taken += taken) {
        ERR_clear_error();
        int result = SSL_write_ex(r->ssl, bytes + *ret_taken, n - *ret_taken, &taken);
        if (result != 1)
            return waits(r, result);
    }
    return true;
}

/* A server that has closed takes everything: its answer may still be on the way to the client. */
static bool put_server(Relay *r, const char *bytes, size_t n, size_t *ret_taken)
{
    for (*ret_taken = 0; *ret_taken < n && !r->server_deaf;) {
        ssize_t sent = send(r->inner, bytes + *ret_taken, n - *ret_taken, MSG_NOSIGNAL);
        if (sent >= 0)
            *ret_taken += (size_t)sent;
        else if (errno == EAGAIN)
            return true;
        else
            r->server_deaf = errno != EINTR;
    }
    *ret_taken = n;
    return true;
}

/* Puts the rest, or n fresh bytes when there is none; what is not taken becomes the rest. */
static Move forward(Relay *r, Rest *rest, Put put, const char *fresh, size_t n)
{
    const char *bytes = rest->bytes ? rest->bytes + rest->at : fresh;
    size_t len = rest->bytes ? rest->len - rest->at : n, taken;
    if (!put(r, bytes, len, &taken))
        return BROKEN;
    if (rest->bytes) {
        rest->at += taken;
        if (taken == len)
            rest_clear(rest);
    } else if (taken < len) {
        *rest = (Rest){.bytes = xmalloc(len - taken), .len = len - taken};
        memcpy(rest->bytes, bytes + taken, rest->len);
    }
    return taken == len ? MOVED : WAITS;
}

static Move move_to_server(Relay *r, RelayTools *tools)
{
    size_t n;
    if (r->to_server.bytes)
        return forward(r, &r->to_server, put_server, NULL, 0);
    if (r->client_ended)
        return WAITS;
    ERR_clear_error();
    int result = SSL_read_ex(r->ssl, tools->buffer, RELAY_BUFFER, &n);
    if (result == 1)
        return forward(r, &r->to_server, put_server, tools->buffer, n);
    if (SSL_get_error(r->ssl, result) != SSL_ERROR_ZERO_RETURN)
        return waits(r, result) ? WAITS : BROKEN;
    r->client_ended = true;
    shutdown(r->inner, SHUT_WR);
    return WAITS;
}

static Move move_to_client(Relay *r, RelayTools *tools)
{
    size_t waiting = r->to_client.len - r->to_client.at;
    Move move;
    if (r->to_client.bytes) {
        move = forward(r, &r->to_client, put_client, NULL, 0);
    } else {
        ssize_t n = recv(r->inner, tools->buffer, RELAY_BUFFER, 0);
        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR) ? WAITS : ENDED;
        move = forward(r, &r->to_client, put_client, tools->buffer, (size_t)n);
    }
    if (r->to_client.len - r->to_client.at != waiting)
        r->deadline_ms = r->to_client.bytes ? clock_ms() + tools->idle_ms : 0;
    return move;
}

static Move relay(Relay *r, RelayTools *tools)
{
    Move up = move_to_server(r, tools);
    Move down = up == BROKEN ? BROKEN : move_to_client(r, tools);
    if (down == ENDED) {
        r->state = RELAY_FAREWELL;
        r->deadline_ms = clock_ms() + tools->idle_ms;
    }
    return down == BROKEN ? BROKEN : up == MOVED || down != WAITS ? MOVED : WAITS;
}

static Move farewell(Relay *r, RelayTools *tools)
{
    ERR_clear_error();
    int result = SSL_shutdown(r->ssl);
    if (result < 0)
        return waits(r, result) ? WAITS : BROKEN;
    drain_from_now(r, tools);
    return MOVED;
}

static Move drain(Relay *r, RelayTools *tools)
{
    ssize_t n = recv(r->outer, tools->buffer, RELAY_BUFFER, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? WAITS : BROKEN;
    r->drained += (size_t)n;
    return n == 0 || r->drained > MAX_DRAIN ? BROKEN : MOVED;
}

bool relay_step(Relay *r, RelayTools *tools)
{
    static Move (*const moves[])(Relay *, RelayTools *) = {
        [RELAY_HANDSHAKE] = handshake, [RELAY_OPEN] = relay, [RELAY_FAREWELL] = farewell, [RELAY_DRAIN] = drain};
    for (int i = 0; i < MAX_MOVES && r->state != RELAY_DONE; i++) {
        ERR_clear_error();
        Move move = moves[r->state](r, tools);
        if (move == BROKEN)
            r->state = RELAY_DONE;
        if (move == WAITS)
            return false;
    }
    return r->state != RELAY_DONE;
}

void relay_remind(Relay *r)
{
    if (r->state == RELAY_OPEN && r->client_ended)
        shutdown(r->inner, SHUT_WR);
}
