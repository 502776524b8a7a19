/* Carries one operation through its steps: persist, act, check, persist; errors become retry or failure by their kind. */
#include "jobs/worker.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "kafka/admin.h"

#include <stdio.h>
#include <string.h>

#define STEP_BUDGET_MS 45000 /* one look at one step; requests end by then */
#define TRIES_OF_A_DEFECT 5  /* unexpected answers are repeated so often, in case they pass */
#define MAX_BACKOFF_MS 30000

bool job_alive(const Job *job, Error *err)
{
    if (atomic_load(job->lost))
        return error_set(err, ERR_LOST, "the lease of operation %s is lost", job->op.id);
    return true;
}

static void job_clear(Job *job)
{
    operation_clear(&job->op);
    instance_clear(&job->instance);
    binding_clear(&job->binding);
    json_decref(job->facts);
    json_decref(job->request);
    kafka_admin_free(job->admin);
    str_free(&job->progress);
}

/* "5/8 workloads: text", cut to fit a platform's column. */
static void describe(const Job *job, const char *text, char out[512])
{
    int n = (int)utf8_prefix(text, 420);
    snprintf(out, 512, "%d/%d %.40s: %.*s", job->op.step + 1, job->op.step_count, job->op.step_name ? job->op.step_name : "start", n, text);
}

static void finish(Job *job, OperationState end, const char *description)
{
    Error err;
    const char *kind = operation_kind_name(job->op.kind);
    if (!store_finish(job->settings->store, &job->op, end, description, &err)) {
        log_error("operation not finished", &err, "operation", job->op.id, NULL);
        return;
    }
    log_event(end == OPERATION_FAILED ? LOG_WARN : LOG_INFO, "operation ended", "operation", job->op.id, "kind", kind,
              "instance", job->op.instance_id, "binding", job->op.binding_id, "state", operation_state_name(end), "description",
              description, NULL);
}

static void again(Job *job, const char *text, bool is_retry, int delay_ms)
{
    Error err;
    char description[512];
    describe(job, text, description);
    if (!store_again(job->settings->store, &job->op, description, is_retry, delay_ms, &err))
        log_error("operation not put back", &err, "operation", job->op.id, NULL);
}

/* Exponential from one second, with jitter, never above MAX_BACKOFF_MS unless the other side asked for more. */
static int backoff_ms(const Job *job, const Error *err)
{
    uint8_t jitter;
    random_bytes(&jitter, 1);
    int n = job->op.attempt < 5 ? job->op.attempt : 5;
    int ms = (1 << n) * 500 + jitter * 4;
    if (err->retry_after_seconds * 1000 > ms)
        ms = err->retry_after_seconds * 1000;
    return ms < MAX_BACKOFF_MS ? ms : MAX_BACKOFF_MS;
}

static bool is_final(const Job *job, const Error *err)
{
    switch (err->kind) {
    case ERR_INVALID:
        return true;
    case ERR_DENIED:
    case ERR_NOT_FOUND:
    case ERR_GONE:
    case ERR_INTERNAL:
        return job->op.attempt + 1 >= TRIES_OF_A_DEFECT;
    default:
        return false;
    }
}

static void handle_error(Job *job, const Error *err)
{
    Error other;
    char description[512];
    if (err->kind == ERR_LOST) {
        log_error("lease lost", err, "operation", job->op.id, NULL);
        if (!store_let_go(job->settings->store, &job->op, job->settings->owner, &other))
            log_error("lease not given back; it runs out by itself", &other, "operation", job->op.id, NULL);
        return;
    }
    log_error("step did not succeed", err, "operation", job->op.id, "step", job->op.step_name, "instance", job->op.instance_id, NULL);
    if (is_final(job, err)) {
        job->op.update_repeatable = err->kind != ERR_INVALID;
        describe(job, err->text, description);
        finish(job, OPERATION_FAILED, description);
    } else {
        again(job, err->text, true, backoff_ms(job, err));
    }
}

/* Fails the operation with the component's name and its last words when its time, or its step's, is over. */
static bool expired(Job *job, const Step *step)
{
    char description[512];
    if (job->op.seconds_left > 0 && job->op.step_seconds <= step->deadline_seconds)
        return false;
    const char *limit = job->op.seconds_left > 0 ? "step" : "operation";
    const char *last = job->op.description ? job->op.description : "no progress";
    const char *text = strstr(last, ": ");
    text = text ? text + 2 : last;
    snprintf(description, sizeof(description), "%d/%d %s: the deadline of the %s has passed; last seen: %.*s", job->op.step + 1,
             job->op.step_count, step->name, limit, (int)utf8_prefix(text, 300), text);
    finish(job, OPERATION_FAILED, description);
    return true;
}

static bool look(Job *job, const Step *step, bool *ret_done, Error *err)
{
    const char *kind UNUSED = operation_kind_name(job->op.kind);
    kube_set_deadline(job->kube, clock_ms() + STEP_BUDGET_MS);
    FAILPOINT("%s.%s.begun", kind, step->name);
    if ((step->precondition && !step->precondition(job, err)) || (step->act && !step->act(job, err)))
        return false;
    FAILPOINT("%s.%s.acted", kind, step->name);
    *ret_done = !step->check;
    return !step->check || step->check(job, ret_done, err);
}

/* *ret_next = whether the next step may follow at once. */
static bool run_step(Job *job, const Step *step, int index, int count, bool *ret_next, Error *err)
{
    bool done = false;
    bool fresh = index != job->op.step || !job->op.step_name;
    job->op.step = index;
    job->op.step_count = count;
    job->op.retry_after_seconds = step->retry_after_seconds;
    free(job->op.step_name);
    job->op.step_name = xstrdup(step->name);
    if (!store_step_begin(job->settings->store, &job->op, err))
        return false;
    if (fresh) {
        job->op.attempt = 0;
        job->op.step_seconds = 0;
    }
    str_clear(&job->progress);
    if (!look(job, step, &done, err))
        return false;
    if (!done) {
        again(job, str_text(&job->progress), false, job->settings->poll_ms * (job->op.step_seconds > 120 ? 4 : 1));
        return true;
    }
    if (!job_alive(job, err) || !store_step_done(job->settings->store, &job->op, str_text(&job->progress), err))
        return false;
    FAILPOINT("%s.%s.done", operation_kind_name(job->op.kind), step->name);
    job->op.attempt = 0;
    job->op.step_seconds = 0;
    *ret_next = true;
    return true;
}

static void run_steps(Job *job)
{
    Error err;
    size_t count = 0;
    const Step *steps = steps_of(job->op.kind, job->plan, &count);
    static const char *const ended[] = {"the instance is ready", "the instance and all its data are deleted", "the binding is ready",
                                        "the binding is revoked", "the instance is updated"};
    for (int i = job->op.step; i < (int)count; i++) {
        bool next = false;
        if (expired(job, &steps[i]))
            return;
        if (!run_step(job, &steps[i], i, (int)count, &next, &err)) {
            handle_error(job, &err);
            return;
        }
        if (!next)
            return;
    }
    finish(job, OPERATION_SUCCEEDED, ended[job->op.kind]);
}

static bool load(Job *job, Error *err)
{
    const JobSettings *s = job->settings;
    if (!store_get_instance(s->store, job->op.instance_id, &job->instance, err))
        return false;
    if (job->instance.state == INSTANCE_ABSENT)
        return job->op.kind == OP_DEPROVISION ||
               error_set(err, ERR_INVALID, "the instance of this operation does not exist any more");
    job->plan = catalog_plan(s->catalog, job->instance.service_id, job->instance.plan_id);
    if (job->op.kind == OP_UPDATE)
        return store_operation_request(s->store, job->op.id, &job->request, err);
    if (!operation_is_binding(job->op.kind))
        return true;
    if (!store_get_binding(s->store, job->op.instance_id, job->op.binding_id, &job->binding, err))
        return false;
    return job->binding.state != BINDING_ABSENT ||
           error_set(err, ERR_INVALID, "the binding of this operation does not exist any more");
}

void worker_run(const JobSettings *settings, Kube *kube, Operation *op, atomic_bool *lost)
{
    Error err;
    Job job = {.settings = settings, .kube = kube, .op = *op, .lost = lost};
    *op = (Operation){0};
    if (!load(&job, &err))
        handle_error(&job, &err);
    else if (job.instance.state == INSTANCE_ABSENT)
        finish(&job, OPERATION_SUCCEEDED, "nothing was left to delete");
    else
        run_steps(&job);
    job_clear(&job);
}
