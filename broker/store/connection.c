/* One connection: opening, liveness, and what its errors mean. */
#include "store/db.h"

#include "base/mem.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define SQLSTATE_LENGTH 5

Conn *conn_close(Conn *c)
{
    if (!c)
        return NULL;
    PQfinish(c->pg);
    free(c);
    return NULL;
}

/* The libpq text in one line; it holds hosts and names, never a password. */
static void one_line(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (; *text && n + 1 < size; text++)
        out[n++] = *text == '\n' || *text == '\t' ? ' ' : *text;
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

/* Notices of the server carry nothing that a caller acts on. */
static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

bool conn_open(const char *conninfo, int statement_timeout_ms, Conn **ret, Error *err)
{
    /* What stands before "dbname" may be overridden by the connection string, what stands after may not. */
    static const char *const keywords[] = {"application_name",    "connect_timeout", "keepalives_idle", "keepalives_interval",
                                           "keepalives_count",    "tcp_user_timeout", "dbname",          "client_encoding", NULL};
    const char *const values[] = {"cpbroker", "5", "5", "5", "3", "15000", conninfo, "UTF8", NULL};
    CLEANUP(conn_close) Conn *c = xcalloc(1, sizeof(*c));
    c->pg = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(c->pg) != CONNECTION_OK) {
        char text[512];
        one_line(c->pg ? PQerrorMessage(c->pg) : "out of memory", text, sizeof(text));
        return error_set(err, ERR_RETRY, "cannot connect to the database: %s", text);
    }
    PQsetNoticeReceiver(c->pg, ignore_notice, NULL);
    char setup[160];
    snprintf(setup, sizeof(setup), "set statement_timeout = %d; set idle_in_transaction_session_timeout = 60000; set datestyle = iso",
             statement_timeout_ms);
    if (!conn_command(c, setup, err))
        return false;
    *ret = TAKE(c);
    return true;
}

bool conn_alive(Conn *c)
{
    struct pollfd fd = {.fd = PQsocket(c->pg), .events = POLLIN};
    if (PQstatus(c->pg) != CONNECTION_OK || fd.fd < 0)
        return false;
    if (poll(&fd, 1, 0) <= 0)
        return true;
    /* Readable while idle: a notice, or the end. A farewell (57P01) comes as a message, then the end of the stream. */
    if (fd.revents & (POLLHUP | POLLERR) || !PQconsumeInput(c->pg))
        return false;
    return PQstatus(c->pg) == CONNECTION_OK && !PQisBusy(c->pg);
}

static bool state_is(const char *state, const char *prefix)
{
    return strncmp(state, prefix, strlen(prefix)) == 0;
}

/* SQLSTATE classes (PostgreSQL, Appendix A). */
static ErrorKind kind_of_state(const char *state)
{
    static const char *const transient[] = {
        "08",    /* connection exception */
        "40001", /* serialization failure */
        "40P01", /* deadlock */
        "53",    /* insufficient resources, too many connections */
        "55P03", /* lock not available */
        "57014", /* statement timeout */
        "57P",   /* shutdown, crash, starting up */
        "25006", /* read-only: a standby after a switch-over */
        "25P03", /* idle in transaction too long */
        "58030", /* I/O error */
    };
    for (size_t i = 0; i < ARRAY_SIZE(transient); i++)
        if (state_is(state, transient[i]))
            return ERR_RETRY;
    return strcmp(state, "23505") == 0 ? ERR_CONFLICT : strcmp(state, "23503") == 0 ? ERR_GONE : ERR_INTERNAL;
}

bool conn_error(Conn *c, const PGresult *result, const char *what, Error *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    if (!state || strlen(state) != SQLSTATE_LENGTH) {
        if (PQstatus(c->pg) == CONNECTION_BAD)
            return error_set(err, ERR_RETRY, "the connection to the database was lost (%s)", what);
        return error_set(err, ERR_INTERNAL, "database: %s failed without an answer", what);
    }
    if (state_is(state, "42P01") || state_is(state, "42703"))
        return error_set(err, ERR_INTERNAL,
                         "database: %s failed with SQLSTATE %s: the schema is not the one this program knows; run `cpbroker migrate`",
                         what, state);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    return error_set(err, kind_of_state(state), "database: %s failed with SQLSTATE %s%s%s", what, state,
                     constraint ? ", constraint " : "", constraint ? constraint : "");
}

bool conn_command(Conn *c, const char *sql, Error *err)
{
    CLEANUP_RESULT PGresult *result = PQexec(c->pg, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return true;
    char verb[24];
    snprintf(verb, sizeof(verb), "%.*s", (int)strcspn(sql, " ;"), sql);
    return conn_error(c, result, verb, err);
}
