/* The schema: applying migrations, checking that they are applied, checking every statement against them. */
#include "store/db.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* How many migrations this program knows: the number of files in migrations/. */
#define STORE_SCHEMA_VERSION 2
#define MAX_MIGRATION_BYTES (1024 * 1024)
#define NUMBER_LENGTH 4

int store_schema_version(void)
{
    return STORE_SCHEMA_VERSION;
}

static bool schema_absent(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return state && strcmp(state, "42P01") == 0;
}

bool store_ready(Store *store, Error *err)
{
    Conn *c;
    if (!store_acquire(store, &c, err))
        return false;
    CLEANUP_RESULT PGresult *result = PQexec(c->pg, statements[SQL_SCHEMA_VERSION].sql);
    bool absent = schema_absent(result), ok = absent || PQresultStatus(result) == PGRES_TUPLES_OK;
    if (!ok)
        conn_error(c, result, statements[SQL_SCHEMA_VERSION].name, err);
    store_release(store, c);
    if (!ok)
        return false;
    int version = absent ? 0 : (int)row_int(result, 0);
    if (version < STORE_SCHEMA_VERSION)
        return error_set(err, ERR_INVALID, "the database's schema has version %d, this program needs %d: run `cpbroker migrate`", version,
                         STORE_SCHEMA_VERSION);
    if (version > STORE_SCHEMA_VERSION)
        return error_set(err, ERR_INVALID, "the database's schema has version %d, this program knows only %d: run a newer cpbroker", version,
                         STORE_SCHEMA_VERSION);
    return true;
}

bool store_check_statements(Store *store, Error *err)
{
    Conn *c;
    if (!store_acquire(store, &c, err))
        return false;
    bool ok = true;
    for (int i = 0; ok && i < STATEMENT_COUNT; i++)
        ok = conn_prepare(c, (StatementId)i, err);
    store_release(store, c);
    return ok;
}

/* Names must be 0001-…, 0002-…, without a gap or a double. */
static bool check_names(const char *folder, char *const *names, int *ret_count, Error *err)
{
    int n = 0;
    for (; names[n]; n++) {
        char expected[16];
        snprintf(expected, sizeof(expected), "%04d-", n + 1);
        if (strncmp(names[n], expected, NUMBER_LENGTH + 1) != 0)
            return error_set(err, ERR_INVALID, "%s/%s stands where %sNAME.sql is expected: migrations are numbered 0001, 0002, … without gaps",
                             folder, names[n], expected);
    }
    if (n == 0)
        return error_set(err, ERR_INVALID, "%s holds no migration (NNNN-name.sql): name the folder `migrations` of this program", folder);
    *ret_count = n;
    return true;
}

/* What is applied must be what the folder holds, from the first on. */
static bool check_applied(Conn *c, const char *folder, char *const *names, int count, int *ret_applied, Error *err)
{
    CLEANUP_RESULT PGresult *rows = PQexec(c->pg, "select name, checksum from schema_migrations order by name");
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return conn_error(c, rows, "reading schema_migrations", err);
    int applied = PQntuples(rows);
    for (int i = 0; i < applied; i++) {
        const char *name = PQgetvalue(rows, i, 0);
        if (i >= count)
            return error_set(err, ERR_INVALID, "the database has migration %s, which %s lacks: run a newer cpbroker", name, folder);
        if (strcmp(name, names[i]) != 0)
            return error_set(err, ERR_INVALID, "the database has migration %s where %s holds %s: restore the file that was applied", name,
                             folder, names[i]);
        CLEANUP_FREE char *path = xasprintf("%s/%s", folder, names[i]);
        CLEANUP_STR Str sql = STR_INIT;
        if (!file_read(path, MAX_MIGRATION_BYTES, &sql, err))
            return false;
        CLEANUP_FREE char *checksum = sha256_hex(str_text(&sql), sql.len);
        if (strcmp(checksum, PQgetvalue(rows, i, 1)) != 0)
            return error_set(err, ERR_INVALID, "%s was changed after it was applied: restore it, and put the change into a new migration", path);
    }
    *ret_applied = applied;
    return true;
}

/* As the file's statements are no user's values, the server's own words help and are safe. */
static bool run_file(Conn *c, const char *name, const char *sql, Error *err)
{
    CLEANUP_RESULT PGresult *result = PQexec(c->pg, sql);
    ExecStatusType status = PQresultStatus(result);
    if (PQstatus(c->pg) != CONNECTION_OK)
        return conn_error(c, NULL, name, err);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
        const char *why = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        return error_set(err, ERR_INVALID, "migration %s failed: %s; nothing of it was applied", name, why ? why : "no answer");
    }
    if (PQtransactionStatus(c->pg) != PQTRANS_INTRANS)
        return error_set(err, ERR_INVALID, "migration %s ends its transaction itself: remove its commit or rollback", name);
    return true;
}

static bool apply(Conn *c, const char *folder, const char *name, Error *err)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s", folder, name);
    CLEANUP_STR Str sql = STR_INIT;
    if (!file_read(path, MAX_MIGRATION_BYTES, &sql, err))
        return false;
    CLEANUP_FREE char *checksum = sha256_hex(str_text(&sql), sql.len);
    if (!conn_command(c, "begin", err) || !run_file(c, name, str_text(&sql), err))
        return false;
    const char *const values[] = {name, checksum};
    CLEANUP_RESULT PGresult *result =
        PQexecParams(c->pg, "insert into schema_migrations (name, checksum) values ($1, $2)", 2, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return conn_error(c, result, "recording the migration", err);
    return conn_command(c, "commit", err);
}

/* Closing the connection rolls back what is open and frees the lock. */
static bool migrate_on(Conn *c, const char *folder, char *const *names, int count, void (*each)(const char *name), Error *err)
{
    int applied = 0;
    if (!conn_command(c, "select pg_advisory_lock(hashtextextended('cpbroker migrate', 42))", err) ||
        !conn_command(c,
                      "create table if not exists schema_migrations (name text primary key, checksum text not null,"
                      " applied_at timestamptz not null default now())",
                      err) ||
        !check_applied(c, folder, names, count, &applied, err))
        return false;
    for (int i = applied; i < count; i++) {
        if (!apply(c, folder, names[i], err))
            return false;
        if (each)
            each(names[i]);
    }
    return true;
}

/* The names of the migrations in a folder, as they must be. */
static bool list_migrations(const char *folder, char ***ret, int *ret_count, Error *err)
{
    CLEANUP(strings_free) char **names = NULL;
    Error why = {0};
    if (!file_list(folder, ".sql", &names, &why))
        return error_set(err, ERR_INVALID, "%s", why.text);
    if (!check_names(folder, names, ret_count, err))
        return false;
    *ret = TAKE(names);
    return true;
}

bool store_check_migrations(const char *folder, Error *err)
{
    CLEANUP(strings_free) char **names = NULL;
    int count = 0;
    return list_migrations(folder, &names, &count, err) &&
           (count == STORE_SCHEMA_VERSION || error_set(err, ERR_INVALID, "%s holds %d migrations, this program has %d", folder, count, STORE_SCHEMA_VERSION));
}

bool store_migrate(Store *store, const char *folder, void (*each)(const char *name), Error *err)
{
    CLEANUP(strings_free) char **names = NULL;
    CLEANUP(conn_close) Conn *c = NULL;
    int count = 0;
    return list_migrations(folder, &names, &count, err) && conn_open(store_conninfo(store), 0, &c, err) && migrate_on(c, folder, names, count, each, err);
}
