/* The transition tables, and the decision that reads them. */
#include "domain/lifecycle.h"

#include "base/str.h"

typedef enum Answer { START, CANCEL, REPEAT, DONE, REFUSE } Answer;
typedef enum Same { ANY, YES, NO } Same;

/* States are those of an instance or of a binding, as the table says. */
typedef struct Row {
    int from;
    Ask ask;
    Same same;
    Answer answer;
    int to;
    ErrorKind kind; /* of a refusal */
    const char *why;
} Row;

static const Row instance_rows[] = {
    {INSTANCE_ABSENT, ASK_PROVISION, ANY, START, INSTANCE_CREATING, 0, "a new instance"},
    {INSTANCE_CREATING, ASK_PROVISION, YES, REPEAT, INSTANCE_CREATING, 0, "the same request runs already"},
    {INSTANCE_CREATING, ASK_PROVISION, NO, REFUSE, 0, ERR_CONFLICT, "an instance of this id with other attributes is being created"},
    {INSTANCE_READY, ASK_PROVISION, YES, DONE, INSTANCE_READY, 0, "the same instance exists"},
    {INSTANCE_READY, ASK_PROVISION, NO, REFUSE, 0, ERR_CONFLICT, "an instance of this id exists with other attributes"},
    {INSTANCE_CREATE_FAILED, ASK_PROVISION, ANY, REFUSE, 0, ERR_CONFLICT, "creating the instance of this id has failed; delete it, then create it again"},
    {INSTANCE_DELETING, ASK_PROVISION, ANY, REFUSE, 0, ERR_BUSY, "the instance of this id is being deleted"},
    {INSTANCE_DELETE_FAILED, ASK_PROVISION, ANY, REFUSE, 0, ERR_CONFLICT, "deleting the instance of this id has failed; delete it again first"},
    {INSTANCE_UPDATING, ASK_PROVISION, YES, DONE, INSTANCE_UPDATING, 0, "the same instance exists"},
    {INSTANCE_UPDATING, ASK_PROVISION, NO, REFUSE, 0, ERR_CONFLICT, "an instance of this id exists with other attributes"},
    {INSTANCE_ABSENT, ASK_UPDATE, ANY, REFUSE, 0, ERR_NOT_FOUND, "no such instance"},
    {INSTANCE_CREATING, ASK_UPDATE, ANY, REFUSE, 0, ERR_BUSY, "the instance is being created"},
    {INSTANCE_READY, ASK_UPDATE, ANY, START, INSTANCE_UPDATING, 0, "update"},
    {INSTANCE_UPDATING, ASK_UPDATE, YES, REPEAT, INSTANCE_UPDATING, 0, "the same request runs already"},
    {INSTANCE_UPDATING, ASK_UPDATE, NO, REFUSE, 0, ERR_BUSY, "another update runs"},
    {INSTANCE_CREATE_FAILED, ASK_UPDATE, ANY, REFUSE, 0, ERR_INVALID, "creating the instance has failed; delete it and create it again"},
    {INSTANCE_DELETING, ASK_UPDATE, ANY, REFUSE, 0, ERR_BUSY, "the instance is being deleted"},
    {INSTANCE_DELETE_FAILED, ASK_UPDATE, ANY, REFUSE, 0, ERR_INVALID, "deleting the instance has failed; delete it again"},
    {INSTANCE_ABSENT, ASK_DEPROVISION, ANY, REFUSE, 0, ERR_GONE, "no such instance"},
    {INSTANCE_CREATING, ASK_DEPROVISION, ANY, CANCEL, INSTANCE_DELETING, 0, "creation stops, deletion starts"},
    {INSTANCE_READY, ASK_DEPROVISION, ANY, START, INSTANCE_DELETING, 0, "delete"},
    {INSTANCE_CREATE_FAILED, ASK_DEPROVISION, ANY, START, INSTANCE_DELETING, 0, "delete what was made"},
    {INSTANCE_DELETING, ASK_DEPROVISION, ANY, REPEAT, INSTANCE_DELETING, 0, "the same request runs already"},
    {INSTANCE_DELETE_FAILED, ASK_DEPROVISION, ANY, START, INSTANCE_DELETING, 0, "try again"},
    {INSTANCE_UPDATING, ASK_DEPROVISION, ANY, REFUSE, 0, ERR_BUSY, "the instance is being updated"},
};

/* Whether an instance in this state takes bind and unbind; the kind of the refusal otherwise. */
static const Row gate_rows[] = {
    {INSTANCE_ABSENT, ASK_BIND, ANY, REFUSE, 0, ERR_NOT_FOUND, "no such instance"},
    {INSTANCE_CREATING, ASK_BIND, ANY, REFUSE, 0, ERR_BUSY, "the instance is being created"},
    {INSTANCE_READY, ASK_BIND, ANY, START, INSTANCE_READY, 0, "ready"},
    {INSTANCE_CREATE_FAILED, ASK_BIND, ANY, REFUSE, 0, ERR_INVALID, "creating the instance has failed; delete it and create it again"},
    {INSTANCE_DELETING, ASK_BIND, ANY, REFUSE, 0, ERR_BUSY, "the instance is being deleted"},
    {INSTANCE_DELETE_FAILED, ASK_BIND, ANY, REFUSE, 0, ERR_INVALID, "deleting the instance has failed; delete it again"},
    {INSTANCE_UPDATING, ASK_BIND, ANY, REFUSE, 0, ERR_BUSY, "the instance is being updated"},
    {INSTANCE_ABSENT, ASK_UNBIND, ANY, REFUSE, 0, ERR_GONE, "no such instance"},
    {INSTANCE_CREATING, ASK_UNBIND, ANY, REFUSE, 0, ERR_BUSY, "the instance is being created"},
    {INSTANCE_READY, ASK_UNBIND, ANY, START, INSTANCE_READY, 0, "ready"},
    {INSTANCE_CREATE_FAILED, ASK_UNBIND, ANY, START, INSTANCE_CREATE_FAILED, 0, "clean up"},
    {INSTANCE_DELETING, ASK_UNBIND, ANY, REFUSE, 0, ERR_BUSY, "the instance is being deleted, and its bindings with it"},
    {INSTANCE_DELETE_FAILED, ASK_UNBIND, ANY, START, INSTANCE_DELETE_FAILED, 0, "clean up"},
    {INSTANCE_UPDATING, ASK_UNBIND, ANY, REFUSE, 0, ERR_BUSY, "the instance is being updated"},
};

static const Row binding_rows[] = {
    {BINDING_ABSENT, ASK_BIND, ANY, START, BINDING_CREATING, 0, "a new binding"},
    {BINDING_CREATING, ASK_BIND, YES, REPEAT, BINDING_CREATING, 0, "the same request runs already"},
    {BINDING_CREATING, ASK_BIND, NO, REFUSE, 0, ERR_CONFLICT, "a binding of this id with other attributes is being created"},
    {BINDING_READY, ASK_BIND, YES, DONE, BINDING_READY, 0, "the same binding exists"},
    {BINDING_READY, ASK_BIND, NO, REFUSE, 0, ERR_CONFLICT, "a binding of this id exists with other attributes"},
    {BINDING_CREATE_FAILED, ASK_BIND, ANY, REFUSE, 0, ERR_CONFLICT, "creating the binding of this id has failed; delete it, then create it again"},
    {BINDING_DELETING, ASK_BIND, ANY, REFUSE, 0, ERR_BUSY, "the binding of this id is being deleted"},
    {BINDING_DELETE_FAILED, ASK_BIND, ANY, REFUSE, 0, ERR_CONFLICT, "deleting the binding of this id has failed; delete it again first"},
    {BINDING_ABSENT, ASK_UNBIND, ANY, REFUSE, 0, ERR_GONE, "no such binding"},
    {BINDING_CREATING, ASK_UNBIND, ANY, CANCEL, BINDING_DELETING, 0, "creation stops, deletion starts"},
    {BINDING_READY, ASK_UNBIND, ANY, START, BINDING_DELETING, 0, "delete"},
    {BINDING_CREATE_FAILED, ASK_UNBIND, ANY, START, BINDING_DELETING, 0, "delete what was made"},
    {BINDING_DELETING, ASK_UNBIND, ANY, REPEAT, BINDING_DELETING, 0, "the same request runs already"},
    {BINDING_DELETE_FAILED, ASK_UNBIND, ANY, START, BINDING_DELETING, 0, "try again"},
};

/* The row for a state and a request; NULL when the table has none. */
static const Row *row_for(const Row *rows, size_t count, int from, Ask ask, bool same)
{
    for (size_t i = 0; i < count; i++) {
        const Row *row = &rows[i];
        if (row->from == from && row->ask == ask && (row->same == ANY || (row->same == YES) == same))
            return row;
    }
    return NULL;
}

static OperationKind kind_of(Ask ask)
{
    static const OperationKind kinds[] = {OP_PROVISION, OP_DEPROVISION, OP_BIND, OP_UNBIND, OP_UPDATE};
    return kinds[ask];
}

static bool decide_instance(const Now *now, Ask ask, Change *ret, Error *err)
{
    const Row *row = row_for(instance_rows, ARRAY_SIZE(instance_rows), (int)now->instance, ask, now->same);
    if (!row)
        return error_set(err, ERR_INTERNAL, "no rule for instance state %d", (int)now->instance);
    if (row->answer == REFUSE)
        return error_set(err, row->kind, "%s", row->why);
    if (ask != ASK_PROVISION && row->answer == START && now->binding_operations)
        return error_set(err, ERR_BUSY, "a binding of the instance is being created or deleted");
    *ret = (Change){(Decision)row->answer, kind_of(ask), (InstanceState)row->to, now->binding};
    return true;
}

static bool decide_binding(const Now *now, Ask ask, Change *ret, Error *err)
{
    const Row *gate = row_for(gate_rows, ARRAY_SIZE(gate_rows), (int)now->instance, ask, now->same);
    const Row *row = row_for(binding_rows, ARRAY_SIZE(binding_rows), (int)now->binding, ask, now->same);
    if (gate && gate->answer == REFUSE && !(ask == ASK_UNBIND && now->binding == BINDING_ABSENT))
        return error_set(err, gate->kind, "%s", gate->why);
    if (!row)
        return error_set(err, ERR_INTERNAL, "no rule for binding state %d", (int)now->binding);
    if (row->answer == REFUSE)
        return error_set(err, row->kind, "%s", row->why);
    *ret = (Change){(Decision)row->answer, kind_of(ask), now->instance, (BindingState)row->to};
    return true;
}

bool lifecycle_decide(const Now *now, Ask ask, Change *ret, Error *err)
{
    return ask == ASK_BIND || ask == ASK_UNBIND ? decide_binding(now, ask, ret, err)
                                                : decide_instance(now, ask, ret, err);
}

void lifecycle_outcome(OperationKind kind, OperationState end, InstanceState *instance, BindingState *binding)
{
    bool ok = end == OPERATION_SUCCEEDED;
    switch (kind) {
    case OP_PROVISION:
        *instance = ok ? INSTANCE_READY : INSTANCE_CREATE_FAILED;
        break;
    case OP_DEPROVISION:
        *instance = ok ? INSTANCE_ABSENT : INSTANCE_DELETE_FAILED;
        break;
    case OP_BIND:
        *binding = ok ? BINDING_READY : BINDING_CREATE_FAILED;
        break;
    case OP_UNBIND:
        *binding = ok ? BINDING_ABSENT : BINDING_DELETE_FAILED;
        break;
    case OP_UPDATE:
        *instance = INSTANCE_READY;
        break;
    case OPERATION_KINDS:
        break;
    }
}

static void markdown_row(Str *out, const Row *r)
{
    static const char *const asks[] = {"PUT instance", "DELETE instance", "PUT binding", "DELETE binding", "PATCH instance"};
    static const char *const answers[] = {"start", "cancel, then start", "repeat", "done"};
    /* Instances and bindings name their states alike. */
    const char *from = instance_state_name((InstanceState)r->from), *to = instance_state_name((InstanceState)r->to);
    str_appendf(out, "| %s | %s%s | ", from, asks[r->ask], r->same == YES ? ", same" : r->same == NO ? ", different" : "");
    if (r->answer == REFUSE)
        str_appendf(out, "refuse (%s) | %s | %s |\n", error_kind_name(r->kind), from, r->why);
    else
        str_appendf(out, "%s | %s | %s |\n", answers[r->answer], to, r->why);
}

char *lifecycle_markdown(void)
{
    Str out = STR_INIT;
    str_append(&out, "| instance | request | answer | next state | why |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_SIZE(instance_rows); i++)
        markdown_row(&out, &instance_rows[i]);
    str_append(&out, "\nBindings: first what the instance's state refuses, then what the binding's own state decides.\n\n"
                     "| instance | request | answer | next state | why |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_SIZE(gate_rows); i++)
        if (gate_rows[i].answer == REFUSE)
            markdown_row(&out, &gate_rows[i]);
    str_append(&out, "\n| binding | request | answer | next state | why |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_SIZE(binding_rows); i++)
        markdown_row(&out, &binding_rows[i]);
    return str_take(&out);
}
