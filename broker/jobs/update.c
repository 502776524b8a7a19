/* Update: what can be changed without touching pods. */
#include "jobs/steps.h"

bool update_names(Job *job, Error *err)
{
    static const char *const kinds[] = {"Namespace", NULL};
    json_t *context = json_object_get(job->request, "context");
    if (!context)
        return true;
    json_decref(job->instance.context);
    job->instance.context = json_incref(context);
    return apply_kinds(job, kinds, err);
}
