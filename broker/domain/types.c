/* Names of states and kinds, and release of the nouns. */
#include "domain/types.h"

#include <string.h>

static const char *const instance_states[] = {"absent", "creating", "ready", "create failed", "deleting", "delete failed", "updating"};
static const char *const operation_kinds[] = {"provision", "deprovision", "bind", "unbind", "update"};
static const char *const operation_states[] = {"in progress", "succeeded", "failed"};

const char *const context_names[] = {"instance_name", "organization_name", "space_name", "namespace", NULL};

static bool parse(const char *const *names, size_t count, const char *name, int *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret = (int)i;
            return true;
        }
    }
    return false;
}

const char *instance_state_name(InstanceState s)
{
    return instance_states[s];
}

const char *binding_state_name(BindingState s)
{
    return instance_states[s]; /* the enumerations share their words and order as far as both go */
}

const char *operation_kind_name(OperationKind k)
{
    return operation_kinds[k];
}

const char *operation_state_name(OperationState s)
{
    return operation_states[s];
}

bool instance_state_parse(const char *name, InstanceState *ret)
{
    int i;
    return parse(instance_states, ARRAY_SIZE(instance_states), name, &i) && (*ret = (InstanceState)i, true);
}

bool binding_state_parse(const char *name, BindingState *ret)
{
    int i;
    return parse(instance_states, BINDING_DELETE_FAILED + 1, name, &i) && (*ret = (BindingState)i, true);
}

bool operation_kind_parse(const char *name, OperationKind *ret)
{
    int i;
    return parse(operation_kinds, ARRAY_SIZE(operation_kinds), name, &i) && (*ret = (OperationKind)i, true);
}

bool operation_state_parse(const char *name, OperationState *ret)
{
    int i;
    return parse(operation_states, ARRAY_SIZE(operation_states), name, &i) && (*ret = (OperationState)i, true);
}

bool operation_is_binding(OperationKind k)
{
    return k == OP_BIND || k == OP_UNBIND;
}

void instance_clear(Instance *i)
{
    free(i->id);
    free(i->service_id);
    free(i->plan_id);
    free(i->organization_guid);
    free(i->space_guid);
    free(i->ns);
    json_decref(i->parameters);
    json_decref(i->context);
    free(i->maintenance_version);
    *i = (Instance){0};
}

void binding_clear(Binding *b)
{
    free(b->id);
    free(b->instance_id);
    free(b->service_id);
    free(b->plan_id);
    free(b->app_guid);
    json_decref(b->parameters);
    json_decref(b->context);
    free(b->predecessor_id);
    *b = (Binding){0};
}

void operation_clear(Operation *o)
{
    free(o->id);
    free(o->instance_id);
    free(o->binding_id);
    free(o->description);
    free(o->step_name);
    *o = (Operation){0};
}
