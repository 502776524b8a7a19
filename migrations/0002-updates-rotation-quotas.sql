-- Updates of instances, successors and expiry of bindings, counters for quotas.

alter table instances
    drop constraint instances_state_check,
    add constraint instances_state_check
        check (state in ('creating', 'ready', 'create failed', 'deleting', 'delete failed', 'updating')),
    add column maintenance_version text,    -- maintenance_info.version that it runs
    add column brokers             integer, -- what it takes of a quota; null until a broker that knows the plan has filled it in
    add column millicores          bigint,
    add column memory              bigint,
    add column storage             bigint;

alter table bindings
    add column predecessor_id text,
    add column expires_at     timestamptz,
    add column renew_before   timestamptz,
    add check (renew_before is null or renew_before <= expires_at);

create index bindings_expiring on bindings (expires_at) where state = 'ready' and expires_at is not null;

alter table operations
    drop constraint operations_kind_check,
    add constraint operations_kind_check check (kind in ('provision', 'deprovision', 'bind', 'unbind', 'update')),
    add column request           jsonb,                         -- of an update: what it asks for and what it will change
    add column update_repeatable boolean not null default true; -- of a failed update: whether it can succeed later

-- Ended operations by age.
create index operations_finished on operations (finished_at) where state <> 'in progress';

-- What is used of each quota. Every connection counts in a shard of its own, so that different instances never wait for each other; whoever
-- has to compare with a limit takes the lock of the scope first and adds the shards up. Rows of a shard may be negative.
create table usage (
    scope      text not null, -- global, plan, organization, space
    key        text not null, -- of the plan, organization or space; '' for global
    shard      integer not null,
    instances  bigint not null,
    brokers    bigint not null,
    millicores bigint not null,
    memory     bigint not null,
    storage    bigint not null,
    primary key (scope, key, shard)
) with (fillfactor = 50);

create function usage_add(i instances, sign integer) returns void language sql as $$
    insert into usage as u
    select s.scope, s.key, pg_backend_pid() % 64, sign, sign * coalesce(i.brokers, 0), sign * coalesce(i.millicores, 0),
           sign * coalesce(i.memory, 0), sign * coalesce(i.storage, 0)
    from (values ('global', ''), ('organization', i.organization_guid), ('plan', i.plan_id), ('space', i.space_guid)) s (scope, key)
    on conflict (scope, key, shard) do update set
        instances = u.instances + excluded.instances, brokers = u.brokers + excluded.brokers,
        millicores = u.millicores + excluded.millicores, memory = u.memory + excluded.memory, storage = u.storage + excluded.storage
$$;

create function instances_usage() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        perform usage_add(old, -1);
    end if;
    if tg_op <> 'DELETE' then
        perform usage_add(new, 1);
    end if;
    return null;
end
$$;

create trigger instances_usage
    after insert or delete or update of organization_guid, space_guid, plan_id, brokers, millicores, memory, storage on instances
    for each row execute function instances_usage();

do $$
declare
    i instances;
begin
    for i in select * from instances loop
        perform usage_add(i, 1);
    end loop;
end
$$;
