/* Checks of a provision: pods, quorum, brokers, and the whole cluster's health. Kubernetes "ready" is not Kafka "ready". */
#include "jobs/facts.h"
#include "jobs/link.h"
#include "jobs/steps.h"
#include "kube/object.h"

#include <string.h>
#include <time.h>

#define STUCK_SECONDS 360 /* the scheduler looks each 30 s for pods given up for 5 minutes and tries them again; plans may say otherwise: spec.stuck_seconds */
#define LOOK_CLOSER_SECONDS 10 /* claims and events are read only for what is not ready by then */

/* What a closer look needs besides the pods. An account that may not read it learns less, which is no reason to fail. */
static bool read_more(Job *job, const char *selector, json_t **ret_claims, json_t **ret_events, Error *err)
{
    const KubeRef claims = {"PersistentVolumeClaim", job->instance.ns, NULL};
    if (job->op.step_seconds < LOOK_CLOSER_SECONDS)
        return true;
    return (kube_list(job->kube, &claims, selector, ret_claims, err) || err->kind == ERR_DENIED) &&
           (kube_events(job->kube, job->instance.ns, NULL, ret_events, err) || err->kind == ERR_DENIED);
}

/*
 * Why pods of a role are not ready. ERR_INVALID: waiting does not help, or it was in vain for the plan's stuck_seconds, both of this step and of
 * the trouble. The step's seconds are the database's, so that neither a restart nor a wrong clock of this host ends a step too early.
 */
static bool explain_pods(Job *job, const json_t *set, const char *role, Error *err)
{
    CLEANUP_JSON json_t *pods = NULL, *claims = NULL, *events = NULL;
    CLEANUP_STR Str why = STR_INIT;
    CLEANUP_FREE char *selector = xasprintf("app.kubernetes.io/name=%s", role);
    if (!kube_list(job->kube, &(KubeRef){"Pod", job->instance.ns, NULL}, selector, &pods, err) ||
        !read_more(job, selector, &claims, &events, err))
        return false;
    const Workload w = {set, pods, claims, events, time(NULL)};
    int patience = (int)json_int_at(job->plan->spec, "stuck_seconds", STUCK_SECONDS), lasted = 0;
    Severity severity = workload_trouble(&w, &why, &lasted);
    if (severity == TROUBLE_FATAL ||
        (severity == TROUBLE_STUCK && lasted > patience && job->op.step_seconds > patience))
        return error_set(err, ERR_INVALID, "%s", str_text(&why));
    if (severity != TROUBLE_NONE)
        str_appendf(&job->progress, " (%s)", str_text(&why));
    return true;
}

static bool plan_known(const Job *job, Error *err)
{
    return job->plan || error_set(err, ERR_INVALID, "the plan of this instance is no longer in the catalog; add it again");
}

/* Whether all pods of a StatefulSet are ready; else progress tells how many and what holds the others. */
static bool check_statefulset(Job *job, const char *name, const char *role, const char *noun, bool *ret_ready, Error *err)
{
    CLEANUP_JSON json_t *set = NULL;
    int ready = 0, wanted = 0;
    if (!plan_known(job, err) || !kube_get(job->kube, &(KubeRef){"StatefulSet", job->instance.ns, name}, &set, err))
        return false;
    statefulset_counts(set, &ready, &wanted);
    if (object_ready(set)) {
        *ret_ready = true;
        return true;
    }
    str_appendf(&job->progress, "%d of %d %s ready", ready, wanted, noun);
    return explain_pods(job, set, role, err);
}

bool provision_controllers_check(Job *job, bool *ret_done, Error *err)
{
    return check_statefulset(job, "ctl", "controller", "controllers", ret_done, err);
}

/* Exactly one leader, all others followers. */
static bool check_ensemble(Job *job, bool *ret_done, Error *err)
{
    int leaders = 0, followers = 0, n = job->plan->quorum_size;
    for (int i = 0; i < n; i++) {
        CLEANUP_FREE char *answer = NULL;
        if (!link_zookeeper(job, i, "srvr", &answer, err))
            return false;
        leaders += strstr(answer, "Mode: leader") != NULL || strstr(answer, "Mode: standalone") != NULL;
        followers += strstr(answer, "Mode: follower") != NULL;
    }
    if (leaders == 1 && followers == n - 1)
        *ret_done = true;
    else
        str_appendf(&job->progress, "the ensemble has %d leaders and %d followers of %d servers", leaders, followers, n);
    return true;
}

bool provision_zookeeper_check(Job *job, bool *ret_done, Error *err)
{
    bool ready = false;
    if (!check_statefulset(job, "zk", "zookeeper", "servers", &ready, err))
        return false;
    return !ready || check_ensemble(job, ret_done, err);
}

bool provision_kafka_check(Job *job, bool *ret_done, Error *err)
{
    bool ready = false;
    if (!check_statefulset(job, "kafka", "kafka", "brokers", &ready, err))
        return false;
    if (!ready)
        return true;
    KafkaAdmin *admin = NULL;
    KafkaHealth health;
    if (!link_admin(job, &admin, err) || !kafka_health(admin, &health, err))
        return false;
    if (health.brokers == job->plan->brokers)
        *ret_done = true;
    else
        str_appendf(&job->progress, "%d of %d brokers registered; missing %s", health.brokers, job->plan->brokers, health.missing);
    return true;
}

static bool check_quorum(Job *job, KafkaAdmin *admin, bool *ret_ok, Error *err)
{
    KafkaQuorum quorum;
    if (job_zookeeper(job)) {
        *ret_ok = true;
        return true;
    }
    if (!kafka_quorum(admin, &quorum, err))
        return false;
    *ret_ok = quorum.leader_id >= 0 && quorum.voters == job->plan->quorum_size && quorum.caught_up == quorum.voters;
    if (!*ret_ok)
        str_appendf(&job->progress, "%d of %d controllers caught up, leader %d", quorum.caught_up, job->plan->quorum_size,
                    quorum.leader_id);
    return true;
}

static bool check_external(Job *job, Error *err)
{
    for (int i = 0; job->settings->check_external && i < job->plan->brokers; i++)
        if (!link_external(job, i, err))
            return false;
    return true;
}

/* The canary comes last: a topic that is being deleted would count as one without leader. */
bool provision_health_check(Job *job, bool *ret_done, Error *err)
{
    KafkaAdmin *admin = NULL;
    KafkaHealth health;
    bool quorum_ok = false;
    if (!plan_known(job, err) || !link_admin(job, &admin, err) || !check_quorum(job, admin, &quorum_ok, err))
        return false;
    if (!quorum_ok)
        return true;
    int brokers = job->plan->brokers;
    if (!kafka_health(admin, &health, err))
        return false;
    if (health.brokers != brokers || health.leaderless || health.under_replicated) {
        str_appendf(&job->progress, "%d of %d brokers, %d partitions without leader, %d under-replicated", health.brokers, brokers,
                    health.leaderless, health.under_replicated);
        return true;
    }
    *ret_done = kafka_canary(admin, "cpbroker-canary", brokers < 3 ? brokers : 3, err) && check_external(job, err);
    return *ret_done;
}
