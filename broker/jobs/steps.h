/* The functions that the step tables name; one file per operation implements them. Each is as job.h says of a step's parts. */
#ifndef JOBS_STEPS_H
#define JOBS_STEPS_H

#include "jobs/job.h"

/* provision.c */
bool provision_namespace_ours(Job *job, Error *err); /* the namespace exists, carries the instance's id and is not being deleted */
bool provision_namespace(Job *job, Error *err);
bool provision_services(Job *job, Error *err);
bool provision_services_check(Job *job, bool *ret_done, Error *err);
bool provision_certificates(Job *job, Error *err);
bool provision_configuration(Job *job, Error *err);
bool provision_workloads(Job *job, Error *err);
/* Renders the manifests of these kinds (ended by NULL) and applies them in order. */
MUST_CHECK bool apply_kinds(Job *job, const char *const *kinds, Error *err);

/* readiness.c */
bool provision_controllers_check(Job *job, bool *ret_done, Error *err);
bool provision_zookeeper_check(Job *job, bool *ret_done, Error *err);
bool provision_kafka_check(Job *job, bool *ret_done, Error *err);
bool provision_health_check(Job *job, bool *ret_done, Error *err);

/* deprovision.c */
bool deprovision_workloads(Job *job, Error *err);
bool deprovision_workloads_check(Job *job, bool *ret_done, Error *err);
bool deprovision_volumes(Job *job, Error *err);
bool deprovision_volumes_check(Job *job, bool *ret_done, Error *err);
bool deprovision_namespace(Job *job, Error *err);
bool deprovision_namespace_check(Job *job, bool *ret_done, Error *err);
bool deprovision_persistent_volumes_check(Job *job, bool *ret_done, Error *err);

/* settings.c */
bool settings_act(Job *job, Error *err); /* the dynamic broker settings that the instance's parameters, or the update, ask for */
bool settings_check(Job *job, bool *ret_done, Error *err);

/* update.c */
bool update_names(Job *job, Error *err); /* the namespace's annotations that tell people whose it is */

/* bind.c */
bool bind_credentials(Job *job, Error *err);
bool bind_user(Job *job, Error *err);
bool bind_acls(Job *job, Error *err);
bool bind_quotas(Job *job, Error *err);
bool bind_login_check(Job *job, bool *ret_done, Error *err);

/* unbind.c */
bool unbind_acls(Job *job, Error *err);
bool unbind_user(Job *job, Error *err);
bool unbind_login_check(Job *job, bool *ret_done, Error *err);

#endif
