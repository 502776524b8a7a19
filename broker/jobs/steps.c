/* Operation kind to list of steps, as data. */
#include "jobs/steps.h"

static const Step provision_kraft[] = {
    {"namespace", NULL, provision_namespace, NULL, 120, 2},
    {"services", provision_namespace_ours, provision_services, provision_services_check, 300, 2},
    {"certificates", provision_namespace_ours, provision_certificates, NULL, 120, 2},
    {"configuration", provision_namespace_ours, provision_configuration, NULL, 120, 2},
    {"workloads", provision_namespace_ours, provision_workloads, NULL, 120, 5},
    {"controllers", NULL, NULL, provision_controllers_check, 900, 10},
    {"kafka", NULL, NULL, provision_kafka_check, 900, 10},
    {"settings", NULL, settings_act, settings_check, 120, 2},
    {"health", NULL, NULL, provision_health_check, 300, 5},
};

static const Step provision_zookeeper[] = {
    {"namespace", NULL, provision_namespace, NULL, 120, 2},
    {"services", provision_namespace_ours, provision_services, provision_services_check, 300, 2},
    {"certificates", provision_namespace_ours, provision_certificates, NULL, 120, 2},
    {"configuration", provision_namespace_ours, provision_configuration, NULL, 120, 2},
    {"workloads", provision_namespace_ours, provision_workloads, NULL, 120, 5},
    {"zookeeper", NULL, NULL, provision_zookeeper_check, 900, 10},
    {"kafka", NULL, NULL, provision_kafka_check, 900, 10},
    {"settings", NULL, settings_act, settings_check, 120, 2},
    {"health", NULL, NULL, provision_health_check, 300, 5},
};

static const Step deprovision[] = {
    {"workloads", NULL, deprovision_workloads, deprovision_workloads_check, 600, 5},
    {"volumes", NULL, deprovision_volumes, deprovision_volumes_check, 600, 5},
    {"namespace", NULL, deprovision_namespace, deprovision_namespace_check, 900, 2},
    {"persistent volumes", NULL, NULL, deprovision_persistent_volumes_check, 600, 5},
};

static const Step bind[] = {
    {"credentials", NULL, bind_credentials, NULL, 60, 1},
    {"user", NULL, bind_user, NULL, 90, 1},
    {"access rules", NULL, bind_acls, NULL, 90, 1},
    {"quotas", NULL, bind_quotas, NULL, 90, 1},
    {"login", NULL, NULL, bind_login_check, 90, 1},
};

static const Step unbind[] = {
    {"access rules", NULL, unbind_acls, NULL, 90, 1},
    {"user", NULL, unbind_user, NULL, 90, 1},
    {"login", NULL, NULL, unbind_login_check, 90, 1},
};

/* First what Kafka may refuse, so that a refusal changes nothing. */
static const Step update[] = {
    {"settings", NULL, settings_act, settings_check, 120, 2},
    {"names", provision_namespace_ours, update_names, NULL, 120, 2},
};

const Step *steps_of(OperationKind kind, const Plan *plan, size_t *ret_count)
{
    bool zookeeper = plan && plan->quorum == QUORUM_ZOOKEEPER;
    switch (kind) {
    case OP_PROVISION:
        *ret_count = zookeeper ? ARRAY_SIZE(provision_zookeeper) : ARRAY_SIZE(provision_kraft);
        return zookeeper ? provision_zookeeper : provision_kraft;
    case OP_DEPROVISION:
        *ret_count = ARRAY_SIZE(deprovision);
        return deprovision;
    case OP_BIND:
        *ret_count = ARRAY_SIZE(bind);
        return bind;
    case OP_UNBIND:
        *ret_count = ARRAY_SIZE(unbind);
        return unbind;
    case OP_UPDATE:
        *ret_count = ARRAY_SIZE(update);
        return update;
    case OPERATION_KINDS:
        break;
    }
    *ret_count = 0;
    return NULL;
}
