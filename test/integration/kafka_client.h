/* What the drivers kafka_client.c and kafka_settings.c stand on: the run and its count, connections to both listeners, the command line. */
#ifndef TEST_KAFKA_CLIENT_H
#define TEST_KAFKA_CLIENT_H

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "kafka/admin.h"

#include <stdio.h>
#include <string.h>

enum { CALL_MS = 20000, LOGIN_WAIT_MS = 20000, BROKERS_MAX = 8, ABSENT_BROKER = 99, RULES = 5 };

typedef struct Broker {
    int id;
    const char *admin_port;
    const char *client_port;
} Broker;

typedef struct Run {
    bool kraft;
    Str ca, cert, key;
    Broker brokers[BROKERS_MAX];
    size_t count;
    KafkaAdmin *admin;
    char *user;
    char *password;
    int passed, failed;
} Run;

static void check(Run *run, bool ok, const char *name, const Error *err)
{
    printf("%s - %s%s%s\n", ok ? "ok" : "FAILED", name, ok || !err ? "" : ": ", ok || !err ? "" : err->text);
    fflush(stdout);
    *(ok ? &run->passed : &run->failed) += 1;
}

/* A call that must fail in one way. */
static UNUSED void check_refused(Run *run, bool succeeded, ErrorKind kind, const char *name, const Error *err)
{
    if (!succeeded && err->kind == kind)
        printf("     (%s)\n", err->text);
    check(run, !succeeded && err->kind == kind, name, succeeded ? NULL : err);
}

static bool dial_port(const Run *run, const char *port, bool own_certificate, int64_t deadline_ms, Stream **ret, Error *err)
{
    CLEANUP(stream_free) Stream *tcp = NULL;
    TlsOptions tls = {.ca_pem = str_text(&run->ca), .server_name = "localhost"};
    if (own_certificate) {
        tls.cert_pem = str_text(&run->cert);
        tls.key_pem = str_text(&run->key);
    }
    return tcp_stream_new("127.0.0.1", port, deadline_ms, &tcp, err) && tls_stream_new(&tcp, &tls, deadline_ms, ret, err);
}

static bool dial(void *context, int broker_id, int64_t deadline_ms, Stream **ret, Error *err)
{
    const Run *run = context;
    for (size_t i = 0; i < run->count; i++)
        if (run->brokers[i].id == broker_id)
            return dial_port(run, run->brokers[i].admin_port, true, deadline_ms, ret, err);
    return error_set(err, ERR_RETRY, "no such broker");
}

static KafkaAdmin *new_admin(Run *run, const int *more, size_t more_count)
{
    KafkaDial how = {dial, run};
    int ids[BROKERS_MAX + 1];
    size_t n = 0;
    for (; n < more_count; n++)
        ids[n] = more[n];
    for (size_t i = 0; i < run->count; i++)
        ids[n++] = run->brokers[i].id;
    return kafka_admin_new(&how, ids, n, CALL_MS);
}

/* A connection to a client listener, logged in. `password` NULL: PLAIN with the password of the environment. */
static UNUSED bool login(const Run *run, size_t broker, const char *user, const char *password, KafkaConnection **ret, Error *err)
{
    CLEANUP(stream_free) Stream *stream = NULL;
    CLEANUP(kafka_close) KafkaConnection *c = NULL;
    int64_t deadline_ms = clock_ms() + CALL_MS;
    if (!dial_port(run, run->brokers[broker].client_port, false, deadline_ms, &stream, err) ||
        !kafka_connect(&stream, "kafka_client", deadline_ms, &c, err))
        return false;
    bool plain = strcmp(user, "plain") == 0;
    bool ok = plain ? kafka_login_plain(c, user, password, deadline_ms, err)
                    : kafka_login_scram(c, "SCRAM-SHA-512", user, password, deadline_ms, err);
    if (ok)
        *ret = TAKE(c);
    return ok;
}

static UNUSED bool can_login(const Run *run, size_t broker, const char *user, const char *password, Error *err)
{
    CLEANUP(kafka_close) KafkaConnection *c = NULL;
    return login(run, broker, user, password, &c, err);
}

static bool read_arguments(Run *run, int argc, char **argv, Error *err)
{
    if (argc < 6 || argc - 5 > BROKERS_MAX)
        return error_set(err, ERR_INVALID, "usage: %s kraft|zookeeper CA CERT KEY ID=ADMIN_PORT=CLIENT_PORT …", argv[0]);
    run->kraft = strcmp(argv[1], "kraft") == 0;
    for (int i = 5; i < argc; i++) {
        char *end, *client = strrchr(argv[i], '=');
        Broker *b = &run->brokers[run->count++];
        b->id = (int)strtol(argv[i], &end, 10);
        if (*end != '=' || client == end)
            return error_set(err, ERR_INVALID, "%s is not ID=ADMIN_PORT=CLIENT_PORT", argv[i]);
        *client = '\0';
        b->admin_port = end + 1;
        b->client_port = client + 1;
    }
    return file_read(argv[2], 65536, &run->ca, err) && file_read(argv[3], 65536, &run->cert, err) &&
           file_read(argv[4], 65536, &run->key, err);
}

/* main of a driver: runs `checks` and prints the count; gives the exit code. */
static int run_driver(int argc, char **argv, void (*checks)(Run *run))
{
    Error err = {0};
    Run run = {0};
    if (!read_arguments(&run, argc, argv, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    char *random = random_text(8);
    run.user = xasprintf("b=%s,", random);
    run.password = random_text(32);
    run.admin = new_admin(&run, NULL, 0);
    checks(&run);
    kafka_admin_free(run.admin);
    printf("%d passed, %d failed\n", run.passed, run.failed);
    free(run.user);
    secret_string_free(run.password);
    secret_string_free(random);
    str_free(&run.ca);
    str_free(&run.cert);
    str_free(&run.key);
    return run.failed ? 1 : 0;
}

#endif
