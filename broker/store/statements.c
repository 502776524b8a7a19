/* The SQL of the store. Fenced writes name id, lease_epoch and state; what they notify leaves at commit. */
#include "store/statements.h"

/* Columns that store/rows.c reads by position. */
#define INSTANCE_COLUMNS \
    "id, state, service_id, plan_id, organization_guid, space_guid, ns, parameters, context, maintenance_version"
#define BINDING_COLUMNS                                                                                             \
    "id, state, instance_id, service_id, plan_id, app_guid, parameters, context, predecessor_id,"                   \
    " extract(epoch from expires_at)::bigint, extract(epoch from renew_before)::bigint, expires_at <= now()"
#define OPERATION_COLUMNS                                                                                           \
    "id, kind, state, instance_id, binding_id, description, step, step_count, step_name, attempt, lease_epoch,"     \
    " extract(epoch from deadline_at - now())::int as seconds_left,"                                                \
    " extract(epoch from now() - step_started_at)::int as step_seconds, retry_after_seconds, update_repeatable"

const Statement statements[STATEMENT_COUNT] = {
    [SQL_BEGIN] = {"begin", "begin isolation level read committed"},
    [SQL_SCHEMA_VERSION] = {"schema_version", "select count(*), coalesce(max(name), '') from schema_migrations"},

    /* A statement of its own: a read in the same statement would use a snapshot from before the lock was granted. */
    [SQL_LOCK_INSTANCE] = {"lock_instance", "select pg_advisory_xact_lock(hashtextextended($1, 42))"},
    [SQL_GET_INSTANCE] = {"get_instance",
                          "select " INSTANCE_COLUMNS " from instances where id = $1"},
    [SQL_INSERT_INSTANCE] = {"insert_instance",
                             "insert into instances (id, state, service_id, plan_id, organization_guid, space_guid, ns,"
                             " parameters, context, maintenance_version, brokers, millicores, memory, storage)"
                             " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"},
    [SQL_SET_INSTANCE_STATE] = {"set_instance_state",
                                "update instances set state = $2, updated_at = now() where id = $1"},
    [SQL_SET_INSTANCE_CONTEXT] = {"set_instance_context",
                                  "update instances set context = $2, updated_at = now() where id = $1"},
    /* What the update's operation has asked for holds now. */
    [SQL_UPDATE_INSTANCE] =
        {"update_instance",
         "update instances i set state = 'ready', updated_at = now(), context = coalesce(o.request->'context', i.context),"
         " parameters = coalesce(o.request->'parameters', i.parameters) from operations o where i.id = $1 and o.id = $2"},
    [SQL_FILL_AMOUNTS] = {"fill_amounts",
                          "update instances set brokers = $2, millicores = $3, memory = $4, storage = $5"
                          " where plan_id = $1 and brokers is null"},
    [SQL_DELETE_INSTANCE] = {"delete_instance", "delete from instances where id = $1"},

    [SQL_FIND_BINDING] = {"find_binding",
                          "select " BINDING_COLUMNS " from bindings where id = $1"},
    [SQL_GET_BINDING] = {"get_binding",
                         "select " BINDING_COLUMNS " from bindings where id = $1 and instance_id = $2"},
    [SQL_INSERT_BINDING] = {"insert_binding",
                            "insert into bindings (id, state, instance_id, service_id, plan_id, app_guid, parameters,"
                            " context, predecessor_id, expires_at, renew_before) values ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
                            " now() + make_interval(secs => nullif($10, 0)),"
                            " now() + make_interval(secs => nullif($10, 0) - $11))"},
    [SQL_SET_BINDING_STATE] = {"set_binding_state",
                               "update bindings set state = $2, updated_at = now() where id = $1"},
    [SQL_DELETE_BINDING] = {"delete_binding", "delete from bindings where id = $1"},

    /* Only where an unbind is possible now. */
    [SQL_EXPIRED_BINDINGS] =
        {"expired_bindings",
         "select b.id, b.instance_id from bindings b join instances i on i.id = b.instance_id"
         " where b.state = 'ready' and b.expires_at <= now() and i.state in ('ready', 'create failed', 'delete failed')"
         " order by b.expires_at limit $1"},

    [SQL_INSERT_OPERATION] =
        {"insert_operation",
         "with new as (insert into operations (id, kind, instance_id, binding_id, description, deadline_at,"
         " originating_identity, request_identity, request) values ($1, $2, $3, $4, 'accepted, waiting for a worker',"
         " now() + make_interval(secs => $5), $6, $7, $8) returning id)"
         " select pg_notify('cpbroker_work', id) from new"},
    /* Keeps owner and lease: what comes after it waits until its worker has let go (see claim). */
    [SQL_CANCEL_OPERATION] =
        {"cancel_operation",
         "with ended as (update operations set state = 'failed', description = $3, finished_at = now(),"
         " updated_at = now(), lease_epoch = lease_epoch + 1"
         " where instance_id = $1 and coalesce(binding_id, '') = coalesce($2, '') and state = 'in progress' returning id)"
         " select pg_notify('cpbroker_done', id) from ended"},
    [SQL_FAIL_BINDING_OPERATIONS] =
        {"fail_binding_operations",
         "with ended as (update operations set state = 'failed', description = 'instance deleted',"
         " finished_at = now(), updated_at = now(), owner = null, lease_until = null, lease_epoch = lease_epoch + 1"
         " where instance_id = $1 and binding_id is not null and state = 'in progress' returning id)"
         " select pg_notify('cpbroker_done', id) from ended"},
    [SQL_LAST_OPERATION] =
        {"last_operation",
         "select " OPERATION_COLUMNS " from operations"
         " where instance_id = $1 and coalesce(binding_id, '') = coalesce($2, '') order by number desc limit 1"},
    /* The same for many at once; the last column is the position of what was asked, from 1. */
    [SQL_LAST_OPERATIONS] =
        {"last_operations",
         "select o.*, a.position from unnest($1::text[], $2::text[]) with ordinality a (instance_id, binding_id, position)"
         " cross join lateral (select " OPERATION_COLUMNS " from operations p"
         " where p.instance_id = a.instance_id and coalesce(p.binding_id, '') = a.binding_id"
         " order by number desc limit 1) o"},
    [SQL_GET_OPERATION] =
        {"get_operation",
         "select " OPERATION_COLUMNS " from operations where id = $1"},
    [SQL_OPERATION_REQUEST] = {"operation_request", "select request from operations where id = $1"},
    /* The newest operation of what still exists is kept: it is the one that platforms ask for. */
    [SQL_PRUNE_OPERATIONS] =
        {"prune_operations",
         "delete from operations where id in (select id from operations o where state <> 'in progress' and owner is null"
         " and finished_at < now() - make_interval(days => $1) and (not exists (select 1 from instances i where i.id = o.instance_id)"
         " or exists (select 1 from operations n where n.instance_id = o.instance_id"
         " and coalesce(n.binding_id, '') = coalesce(o.binding_id, '') and n.number > o.number)) limit 1000)"},

    [SQL_LOCK_USAGE] = {"lock_usage", "select pg_advisory_xact_lock(hashtextextended($1, 43))"},
    [SQL_USAGE] =
        {"usage",
         "select coalesce(sum(instances), 0), coalesce(sum(brokers), 0), coalesce(sum(millicores), 0), coalesce(sum(memory), 0),"
         " coalesce(sum(storage), 0) from usage where scope = $1 and key = $2"},
    [SQL_PRUNE_USAGE] =
        {"prune_usage",
         "delete from usage where instances = 0 and brokers = 0 and millicores = 0 and memory = 0 and storage = 0"},
    [SQL_BINDING_OPERATIONS_OPEN] =
        {"binding_operations_open",
         "select exists (select 1 from operations"
         " where instance_id = $1 and coalesce(binding_id, '') <> '' and state = 'in progress')"},

    /* Not while the worker of a cancelled operation on the same instance may still be at it. */
    [SQL_CLAIM] =
        {"claim",
         "update operations set owner = $1, lease_until = now() + make_interval(secs => $2),"
         " lease_epoch = lease_epoch + 1, updated_at = now()"
         " where id = (select id from operations o where state = 'in progress' and not_before <= now()"
         " and (lease_until is null or lease_until < now())"
         " and not exists (select 1 from operations c where c.instance_id = o.instance_id"
         " and c.state <> 'in progress' and c.owner is not null and c.lease_until > now())"
         " order by not_before limit 1 for update skip locked)"
         " returning " OPERATION_COLUMNS},
    [SQL_NEXT_DUE] =
        {"next_due",
         "select ceil(extract(epoch from min(greatest(not_before, lease_until, (select max(c.lease_until)"
         " from operations c where c.instance_id = o.instance_id and c.state <> 'in progress' and c.owner is not null)))"
         " - now()) * 1000)::bigint from operations o where state = 'in progress'"},
    /* Not without an owner: a heartbeat that crosses its own release must not lease the row again. */
    [SQL_HEARTBEAT] =
        {"heartbeat",
         "update operations set lease_until = now() + make_interval(secs => $3)"
         " where id = $1 and lease_epoch = $2 and state = 'in progress' and owner is not null"},
    [SQL_STEP_BEGIN] =
        {"step_begin",
         "with fenced as (update operations set step = $3, step_count = $4, step_name = $5, retry_after_seconds = $6, updated_at = now(),"
         " attempt = case when step = $3 and step_name = $5 then attempt else 0 end,"
         " step_started_at = case when step = $3 and step_name = $5 then step_started_at else now() end"
         " where id = $1 and lease_epoch = $2 and state = 'in progress' returning id, owner, step, step_name)"
         " insert into operation_steps as s (operation_id, index, name, owner)"
         " select id, step, step_name, owner from fenced"
         " on conflict (operation_id, index) do update set name = excluded.name, owner = excluded.owner, ended_at = null"},
    [SQL_STEP_DONE] =
        {"step_done",
         "with fenced as (update operations set updated_at = now()"
         " where id = $1 and lease_epoch = $2 and state = 'in progress' returning id, step),"
         " journal as (update operation_steps s set ended_at = now(), note = $3"
         " from fenced where s.operation_id = fenced.id and s.index = fenced.step)"
         " select 1 from fenced"},
    [SQL_AGAIN] =
        {"again",
         "with fenced as (update operations set description = $3, attempt = attempt + $4, owner = null,"
         " lease_until = null, not_before = now() + make_interval(secs => $5 / 1000.0), updated_at = now()"
         " where id = $1 and lease_epoch = $2 and state = 'in progress' returning id, step),"
         " journal as (update operation_steps s set attempts = attempts + $4, note = $3"
         " from fenced where s.operation_id = fenced.id and s.index = fenced.step)"
         " select 1 from fenced"},
    [SQL_DESCRIBE] =
        {"describe",
         "update operations set description = $3, retry_after_seconds = coalesce(nullif($4, 0), retry_after_seconds),"
         " updated_at = now() where id = $1 and lease_epoch = $2 and state = 'in progress'"},
    [SQL_FINISH] =
        {"finish",
         "with ended as (update operations set state = $3, description = $4, update_repeatable = $5, finished_at = now(),"
         " updated_at = now(), owner = null, lease_until = null"
         " where id = $1 and lease_epoch = $2 and state = 'in progress' returning id, step),"
         " journal as (update operation_steps s set ended_at = now(), note = $4"
         " from ended where s.operation_id = ended.id and s.index = ended.step and s.ended_at is null)"
         " select pg_notify('cpbroker_done', id) from ended"},
    /* A cancellation has added 1 to the epoch that this worker held. */
    [SQL_LET_GO] =
        {"let_go",
         "with released as (update operations set owner = null, lease_until = null"
         " where id = $1 and lease_epoch = $2 + 1 and owner = $3 and state <> 'in progress' returning id)"
         " select pg_notify('cpbroker_work', id) from released"},
    /* The states name the two partial indexes. */
    [SQL_RELEASE_ALL] =
        {"release_all",
         "with released as (update operations set owner = null, lease_until = null, updated_at = now()"
         " where owner = $1 and (state = 'in progress' or (state <> 'in progress' and owner is not null)) returning id)"
         " select pg_notify('cpbroker_work', id) from released"},

    [SQL_SECRET_PUT] = {"secret_put",
                        "insert into secrets (instance_id, binding_id, name, key_id, sealed) values ($1, $2, $3, $4, $5)"
                        " on conflict (instance_id, coalesce(binding_id, ''), name) do nothing"},
    [SQL_SECRET_GET] = {"secret_get",
                        "select key_id, sealed from secrets"
                        " where instance_id = $1 and coalesce(binding_id, '') = coalesce($2, '') and name = $3"},
};
