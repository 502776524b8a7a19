/* What may happen to an instance or binding: a transition table, and a pure decision over it. */
#ifndef DOMAIN_LIFECYCLE_H
#define DOMAIN_LIFECYCLE_H

#include "domain/types.h"

/* What a request asks for. */
typedef enum Ask { ASK_PROVISION, ASK_DEPROVISION, ASK_BIND, ASK_UNBIND, ASK_UPDATE } Ask;

typedef struct Now {
    InstanceState instance;
    BindingState binding;        /* for binding asks */
    bool same;                   /* the instance or binding of that id has the request's attributes; an update: the running one asks for the same */
    bool binding_operations;     /* any binding of the instance has a running operation (deprovision, update) */
} Now;

typedef enum Decision {
    DECIDE_START,  /* write the new states and an operation of `kind` */
    DECIDE_CANCEL, /* as START, after ending the running operation of the same thing as failed ("cancelled by delete") */
    DECIDE_REPEAT, /* an identical request runs already: 202 with the same operation */
    DECIDE_DONE,   /* an identical request is done: 200 */
} Decision;

typedef struct Change {
    Decision decision;
    OperationKind kind;
    InstanceState instance; /* new states; equal to the old ones where nothing changes */
    BindingState binding;
} Change;

/*
 * Decides by the table. false: ERR_NOT_FOUND (bind: no such instance), ERR_GONE (delete of the unknown), ERR_CONFLICT (409: other attributes),
 * ERR_BUSY (422 ConcurrencyError), ERR_INVALID (its state forbids it). No I/O, no clock. (OSB 2.17: Provisioning, Updating, Binding, Unbinding, Deprovisioning, Blocking Operations.)
 */
MUST_CHECK bool lifecycle_decide(const Now *now, Ask ask, Change *ret, Error *err);

/* States after an operation of `kind` ended; INSTANCE_ABSENT / BINDING_ABSENT mean: remove the row (and all that belongs to it). */
void lifecycle_outcome(OperationKind kind, OperationState end, InstanceState *instance, BindingState *binding);

/* Prints the instance and binding tables as Markdown rows, for the README's lifecycle section; the caller frees. */
char *lifecycle_markdown(void);

#endif
