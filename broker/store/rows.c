/* Rows to nouns: columns by position, as store/statements.c selects them. */
#include "store/db.h"

#include "base/mem.h"

#include <stdlib.h>

static char *text_at(const PGresult *r, int row, int column)
{
    return PQgetisnull(r, row, column) ? NULL : xstrndup(PQgetvalue(r, row, column), (size_t)PQgetlength(r, row, column));
}

static char *text(const PGresult *r, int column)
{
    return text_at(r, 0, column);
}

static bool json(const PGresult *r, int column, json_t **ret, Error *err)
{
    if (PQgetisnull(r, 0, column))
        return true;
    return json_parse(PQgetvalue(r, 0, column), (size_t)PQgetlength(r, 0, column), ret, err) ||
           error_set(err, ERR_INTERNAL, "database: column %s holds JSON that does not parse", PQfname(r, column));
}

static bool unknown_word(const PGresult *r, int column, Error *err)
{
    return error_set(err, ERR_INTERNAL, "database: column %s holds the unknown word \"%s\"", PQfname(r, column),
                     PQgetvalue(r, 0, column));
}

int64_t row_int_at(const PGresult *r, int row, int column)
{
    return strtoll(PQgetvalue(r, row, column), NULL, 10);
}

int64_t row_int(const PGresult *r, int column)
{
    return row_int_at(r, 0, column);
}

static bool row_bool(const PGresult *r, int row, int column)
{
    return PQgetvalue(r, row, column)[0] == 't';
}

bool row_instance(const PGresult *r, Instance *ret, Error *err)
{
    CLEANUP(instance_clear) Instance i = {0};
    if (PQntuples(r) == 0) {
        *ret = i;
        return true;
    }
    if (!instance_state_parse(PQgetvalue(r, 0, 1), &i.state))
        return unknown_word(r, 1, err);
    if (!json(r, 7, &i.parameters, err) || !json(r, 8, &i.context, err))
        return false;
    i.id = text(r, 0);
    i.service_id = text(r, 2);
    i.plan_id = text(r, 3);
    i.organization_guid = text(r, 4);
    i.space_guid = text(r, 5);
    i.ns = text(r, 6);
    i.maintenance_version = text(r, 9);
    *ret = i;
    i = (Instance){0};
    return true;
}

bool row_binding(const PGresult *r, Binding *ret, Error *err)
{
    CLEANUP(binding_clear) Binding b = {0};
    if (PQntuples(r) == 0) {
        *ret = b;
        return true;
    }
    if (!binding_state_parse(PQgetvalue(r, 0, 1), &b.state))
        return unknown_word(r, 1, err);
    if (!json(r, 6, &b.parameters, err) || !json(r, 7, &b.context, err))
        return false;
    b.id = text(r, 0);
    b.instance_id = text(r, 2);
    b.service_id = text(r, 3);
    b.plan_id = text(r, 4);
    b.app_guid = text(r, 5);
    b.predecessor_id = text(r, 8);
    b.expires_at = row_int(r, 9);
    b.renew_before = row_int(r, 10);
    b.expired = row_bool(r, 0, 11);
    *ret = b;
    b = (Binding){0};
    return true;
}

bool row_operation_at(const PGresult *r, int row, Operation *ret, Error *err)
{
    Operation o = {.found = true};
    if (!operation_kind_parse(PQgetvalue(r, row, 1), &o.kind))
        return unknown_word(r, 1, err);
    if (!operation_state_parse(PQgetvalue(r, row, 2), &o.state))
        return unknown_word(r, 2, err);
    o.id = text_at(r, row, 0);
    o.instance_id = text_at(r, row, 3);
    o.binding_id = text_at(r, row, 4);
    o.description = text_at(r, row, 5);
    o.step = (int)row_int_at(r, row, 6);
    o.step_count = (int)row_int_at(r, row, 7);
    o.step_name = text_at(r, row, 8);
    o.attempt = (int)row_int_at(r, row, 9);
    o.lease_epoch = row_int_at(r, row, 10);
    o.seconds_left = (int)row_int_at(r, row, 11);
    o.step_seconds = (int)row_int_at(r, row, 12);
    o.retry_after_seconds = (int)row_int_at(r, row, 13);
    o.update_repeatable = row_bool(r, row, 14);
    *ret = o;
    return true;
}

bool row_operation(const PGresult *r, Operation *ret, Error *err)
{
    if (PQntuples(r) > 0)
        return row_operation_at(r, 0, ret, err);
    *ret = (Operation){0};
    return true;
}
