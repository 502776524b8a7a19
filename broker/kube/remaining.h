/* Names of what holds a deletion up. */
#ifndef KUBE_REMAINING_H
#define KUBE_REMAINING_H

#include "base/str.h"
#include "kube/kube.h"

/* Appends "; held by ConfigMap/a (finalizer example.com/b)" for those of `objects` that are being deleted and have finalizers, at most 3. */
void holders_append(const json_t *objects, Str *out);

/*
 * The same for all that is left in a namespace that is being deleted: of the kinds that its condition NamespaceContentRemaining names, whether
 * the broker makes them or not. Kinds that the API no longer offers, or that this account may not list, are passed over. false: ERR_RETRY.
 */
MUST_CHECK bool namespace_holders(Kube *kube, const json_t *ns, Str *out, Error *err);

#endif
