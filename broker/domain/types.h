/* The nouns: instance, binding, operation, and the states they go through. */
#ifndef DOMAIN_TYPES_H
#define DOMAIN_TYPES_H

#include "base/json.h"
#include "base/mem.h"

#include <stdint.h>

typedef enum InstanceState {
    INSTANCE_ABSENT,        /* no row */
    INSTANCE_CREATING,
    INSTANCE_READY,
    INSTANCE_CREATE_FAILED, /* objects are kept for diagnosis until the platform deletes */
    INSTANCE_DELETING,
    INSTANCE_DELETE_FAILED,
    INSTANCE_UPDATING,      /* goes back to ready, whether the update succeeds or not */
} InstanceState;

typedef enum BindingState {
    BINDING_ABSENT,
    BINDING_CREATING,
    BINDING_READY,
    BINDING_CREATE_FAILED,
    BINDING_DELETING,
    BINDING_DELETE_FAILED,
} BindingState;

typedef enum OperationKind { OP_PROVISION, OP_DEPROVISION, OP_BIND, OP_UNBIND, OP_UPDATE, OPERATION_KINDS } OperationKind;

/* Texts are the OSB API's own (OSB 2.17, Polling Last Operation). */
typedef enum OperationState { OPERATION_IN_PROGRESS, OPERATION_SUCCEEDED, OPERATION_FAILED } OperationState;

/* Stable lower-case words ("creating", "create failed", "provision", "in progress"); the database holds them. */
const char *instance_state_name(InstanceState s);
const char *binding_state_name(BindingState s);
const char *operation_kind_name(OperationKind k);
const char *operation_state_name(OperationState s);
/* The value of a name; false when unknown. */
bool instance_state_parse(const char *name, InstanceState *ret);
bool binding_state_parse(const char *name, BindingState *ret);
bool operation_kind_parse(const char *name, OperationKind *ret);
bool operation_state_parse(const char *name, OperationState *ret);
/* Whether an operation of this kind acts on a binding. */
bool operation_is_binding(OperationKind k);

/* What is counted against quotas. */
typedef struct Amounts {
    int64_t instances, brokers, millicores, memory /* bytes */, storage /* bytes */;
} Amounts;

typedef struct Instance {
    InstanceState state; /* INSTANCE_ABSENT: nothing below is set */
    char *id, *service_id, *plan_id, *organization_guid, *space_guid;
    char *ns;            /* Kubernetes namespace; chosen at accept time, never changes */
    json_t *parameters;  /* object or NULL when none were given */
    json_t *context;     /* object or NULL */
    char *maintenance_version; /* maintenance_info.version that it runs, or NULL */
} Instance;

typedef struct Binding {
    BindingState state;
    char *id, *instance_id, *service_id, *plan_id;
    char *app_guid;      /* or NULL */
    json_t *parameters;  /* object or NULL */
    json_t *context;     /* object or NULL */
    char *predecessor_id; /* the binding that this one succeeds, or NULL (OSB 2.17, Binding Rotation) */
    int64_t expires_at, renew_before; /* seconds since 1970 in UTC; 0 = never */
    bool expired;                     /* expires_at has passed */
} Binding;

typedef struct Operation {
    bool found;              /* false: no such row, nothing below is set */
    OperationState state;
    OperationKind kind;
    char *id;                /* UUID: unreserved characters only */
    char *instance_id;
    char *binding_id;        /* NULL for operations on the instance */
    char *description;       /* for the platform's users; never empty */
    int step, step_count;    /* index of the current step, number of steps */
    char *step_name;
    int attempt;             /* of the current step, from 0 */
    int64_t lease_epoch;     /* fencing: writes of an older epoch change nothing */
    int seconds_left;        /* until the operation's deadline; may be negative */
    int step_seconds;        /* since the current step began */
    int retry_after_seconds; /* advice for the platform's next poll */
    bool update_repeatable;  /* of a failed update: whether it can succeed later */
} Operation;

/* Members of a context by which people call an instance and what it belongs to (OSB 2.17 profile, Context Object); ended by NULL. */
extern const char *const context_names[];

void instance_clear(Instance *i);
void binding_clear(Binding *b);
void operation_clear(Operation *o);
static inline UNUSED void instance_clear_cleanup(Instance *i) { instance_clear(i); }
static inline UNUSED void binding_clear_cleanup(Binding *b) { binding_clear(b); }
static inline UNUSED void operation_clear_cleanup(Operation *o) { operation_clear(o); }

#endif
