-- Instances, bindings, their operations with a step journal, and sealed secrets. Times are the database's own.

create table instances (
    id                text primary key check (id <> ''),
    state             text not null check (state in ('creating', 'ready', 'create failed', 'deleting', 'delete failed')),
    service_id        text not null,
    plan_id           text not null,
    organization_guid text not null,
    space_guid        text not null,
    ns                text not null unique check (ns <> ''), -- Kubernetes namespace
    context           jsonb check (jsonb_typeof(context) = 'object'),
    parameters        jsonb check (jsonb_typeof(parameters) = 'object'),
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now()
);

create table bindings (
    id          text primary key check (id <> ''),
    instance_id text not null references instances (id) on delete cascade,
    state       text not null check (state in ('creating', 'ready', 'create failed', 'deleting', 'delete failed')),
    service_id  text not null,
    plan_id     text not null,
    app_guid    text,
    context     jsonb check (jsonb_typeof(context) = 'object'),
    parameters  jsonb check (jsonb_typeof(parameters) = 'object'),
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    unique (instance_id, id)
);

-- The queue and the history. No foreign key to instances or bindings: an operation outlives what it deletes.
create table operations (
    id                   text primary key,
    number               bigint generated always as identity, -- order of acceptance
    kind                 text not null check (kind in ('provision', 'deprovision', 'bind', 'unbind')),
    state                text not null default 'in progress' check (state in ('in progress', 'succeeded', 'failed')),
    instance_id          text not null,
    binding_id           text check (binding_id <> ''),
    description          text not null check (description <> ''),
    originating_identity text, -- X-Broker-API-Originating-Identity as sent
    request_identity     text, -- X-Broker-API-Request-Identity as sent
    created_at           timestamptz not null default now(),
    updated_at           timestamptz not null default now(),
    finished_at          timestamptz,
    deadline_at          timestamptz not null,
    not_before           timestamptz not null default now(), -- due
    owner                text,                               -- the worker that holds the lease
    lease_until          timestamptz,
    lease_epoch          bigint not null default 0,          -- fencing: grows with each claim and with a cancellation
    step                 integer not null default 0,
    step_count           integer not null default 0,
    step_name            text not null default '',
    step_started_at      timestamptz not null default now(),
    attempt              integer not null default 0,         -- of the current step
    retry_after_seconds  integer not null default 5 check (retry_after_seconds > 0),
    check ((kind in ('bind', 'unbind')) = (binding_id is not null)),
    check ((state = 'in progress') = (finished_at is null)),
    check ((owner is null) = (lease_until is null)) -- a cancelled operation keeps both until its worker has let go
) with (fillfactor = 80);

-- One open operation on an instance itself, and one on each binding.
create unique index operations_open on operations (instance_id, coalesce(binding_id, '')) where state = 'in progress';
-- The claim.
create index operations_due on operations (not_before) where state = 'in progress';
-- Cancelled operations whose worker has not let go yet; few at any time.
create index operations_letting_go on operations (instance_id) where state <> 'in progress' and owner is not null;
-- The last operation.
create index operations_last on operations (instance_id, coalesce(binding_id, ''), number);

-- What each operation did: one row per step.
create table operation_steps (
    operation_id text not null references operations (id) on delete cascade,
    index        integer not null check (index >= 0),
    name         text not null,
    attempts     integer not null default 1, -- 1 + retries after errors
    started_at   timestamptz not null default now(),
    ended_at     timestamptz,
    owner        text, -- the last worker at it
    note         text,
    primary key (operation_id, index)
);

create table secrets (
    instance_id text not null references instances (id) on delete cascade,
    binding_id  text,
    name        text not null check (name <> ''),
    key_id      text not null,  -- which key sealed it
    sealed      bytea not null,
    created_at  timestamptz not null default now(),
    foreign key (instance_id, binding_id) references bindings (instance_id, id) on delete cascade
);

create unique index secrets_name on secrets (instance_id, coalesce(binding_id, ''), name);
