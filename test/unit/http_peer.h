/* A server under test and a client on a raw socket. */
#ifndef UNIT_HTTP_PEER_H
#define UNIT_HTTP_PEER_H

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define AUTH "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"
#define VERSION "X-Broker-API-Version: 2.17\r\n"
#define HEAD "Host: x\r\n" AUTH VERSION

static UNUSED bool echo(void *context, const Request *r, Response *response, Error *err)
{
    (void)context;
    (void)err;
    const char *q = request_query(r, "q");
    response->status = 200;
    response->body = json_pack("{s:s, s:I, s:i, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?}", "id", r->ids[0] ? r->ids[0] : "", "length", (json_int_t)r->body_len,
                               "minor", r->minor, "q", q, "body", r->body_len < 100 ? r->body : NULL, "user", r->user, "client",
                               r->client_address, "platform", r->platform, "platform_user", r->platform_user);
    return true;
}

static UNUSED bool refuse_all(void *context, const Request *r, Response *response, Error *err)
{
    (void)context;
    (void)r;
    response->body = json_object(); /* half a response, which the server has to drop */
    return error_set(err, ERR_CONFLICT, "no");
}

static UNUSED bool prepared(void *context, const Request *r, Response *response, Error *err)
{
    (void)context;
    (void)err;
    const char *have = request_header(r, "If-None-Match");
    *response = (Response){.status = have && strcmp(have, "\"1\"") == 0 ? 304 : 200, .text = "{\"a\":1}", .text_len = 7, .etag = "\"1\""};
    return true;
}

static UNUSED bool sleepy(void *context, const Request *r, Response *response, Error *err)
{
    (void)context;
    (void)r;
    (void)err;
    clock_sleep_ms(600);
    response->status = 201;
    response->retry_after_seconds = 7;
    return true;
}

static UNUSED void answer_group(void *context, Call *const *calls, size_t n)
{
    (void)context;
    clock_sleep_ms(300);
    for (size_t i = 0; i < n; i++) {
        calls[i]->ok = strcmp(calls[i]->request->ids[0], "bad") != 0;
        *calls[i]->response = (Response){.status = 200, .made = xasprintf("{\"of\": %zu}", n)};
        if (!calls[i]->ok)
            error_set(&calls[i]->err, ERR_CONFLICT, "no");
    }
}

static UNUSED void encode(void *context, const Request *r, const Error *err, Response *response)
{
    (void)context;
    (void)r;
    response->status = err->kind == ERR_CONFLICT ? 409 : 500;
    response->body = json_pack("{s:s}", "description", err->text);
}

static const Route routes[] = {
    {"GET", "/open", ROUTE_OPEN, .handler = prepared, .work = WORK_QUICK},
    {"GET", "/basic", ROUTE_BASIC, .handler = echo},
    {"GET", "/v2/:id", ROUTE_OSB, .handler = echo},
    {"PUT", "/v2/:id", ROUTE_OSB, .handler = echo},
    {"PATCH", "/v2/:id", ROUTE_OSB, .handler = echo},
    {"DELETE", "/v2/:id", ROUTE_OSB, .handler = echo},
    {"GET", "/v2/:id/fail", ROUTE_OSB, .handler = refuse_all},
    {"PUT", "/v2/:id/sleepy", ROUTE_OSB, .handler = sleepy, .work = WORK_WAITS},
    {"PUT", "/v2/:id/blocking", ROUTE_OSB, .handler = sleepy},
    {"GET", "/v2/:id/group", ROUTE_OSB, .group = answer_group},
    {0},
};

static UNUSED int start(void **state)
{
    Error err;
    Server *s;
    ServerOptions o = {.address = "127.0.0.1", .threads = 2, .routes = routes, .encode_error = encode, .username = "user", .password = "secret",
                       .second_username = "next", .second_password = "secret2", .trusted_proxies = "127.0.0.0/8,10.0.0.0/8"};
    if (!server_start(&o, &s, &err))
        return -1;
    *state = s;
    return 0;
}

static UNUSED int stop(void **state)
{
    server_stop(*state, 1000);
    return 0;
}

static UNUSED int dial(void **state)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(*state)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static UNUSED void put(int fd, const char *text, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t sent = send(fd, text + done, n - done, MSG_NOSIGNAL);
        assert_true(sent > 0);
        done += (size_t)sent;
    }
}

/* Reads one whole response (headers and Content-Length bytes); "" when the server closed or 3 s passed. */
static UNUSED char *get(int fd)
{
    Str in = STR_INIT;
    for (size_t wanted = 0; !wanted || in.len < wanted;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char piece[4096];
        ssize_t got = poll(&p, 1, 3000) == 1 ? recv(fd, piece, sizeof(piece), 0) : 0;
        if (got <= 0)
            break;
        str_append_n(&in, piece, (size_t)got);
        const char *end = strstr(str_text(&in), "\r\n\r\n");
        if (end && strncmp(str_text(&in), "HTTP/1.1 100", 12) == 0)
            break;
        const char *length = strcasestr(str_text(&in), "\r\nContent-Length: ");
        if (end)
            wanted = (size_t)(end - in.data) + 4 + (length ? strtoul(length + 18, NULL, 10) : 0);
    }
    return str_take(&in);
}

static UNUSED int status_of(const char *response)
{
    return strncmp(response, "HTTP/1.1 ", 9) == 0 ? (int)strtol(response + 9, NULL, 10) : 0;
}

static UNUSED char *ask(void **state, const char *text)
{
    int fd = dial(state);
    put(fd, text, strlen(text));
    char *response = get(fd);
    close(fd);
    return response;
}

static UNUSED void expect(void **state, const char *request, int status, const char *part)
{
    CLEANUP_FREE char *response = ask(state, request);
    if (status_of(response) != status || (part && !strstr(response, part)))
        fail_msg("%.60s… wanted %d with %s, got:\n%s", request, status, part ? part : "anything", response);
    const char *body = strstr(response, "\r\n\r\n");
    Error err;
    CLEANUP_JSON json_t *json = NULL;
    if (status != 304)
        assert_true(body && json_parse(body + 4, strlen(body + 4), &json, &err) && json_is_object(json));
}

#endif
