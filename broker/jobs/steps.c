/* Operation kind to list of steps, as data. */
#include "jobs/steps.h"

static const Step provision_kraft[] = {
    {"namespace", NULL, provision_namespace, NULL, 120},
    {"services", provision_namespace_ours, provision_services, provision_services_check, 300},
    {"certificates", provision_namespace_ours, provision_certificates, NULL, 120},
    {"configuration", provision_namespace_ours, provision_configuration, NULL, 120},
    {"workloads", provision_namespace_ours, provision_workloads, NULL, 120},
    {"controllers", NULL, NULL, provision_controllers_check, 900},
    {"kafka", NULL, NULL, provision_kafka_check, 900},
    {"health", NULL, NULL, provision_health_check, 300},
};

static const Step provision_zookeeper[] = {
    {"namespace", NULL, provision_namespace, NULL, 120},
    {"services", provision_namespace_ours, provision_services, provision_services_check, 300},
    {"certificates", provision_namespace_ours, provision_certificates, NULL, 120},
    {"configuration", provision_namespace_ours, provision_configuration, NULL, 120},
    {"workloads", provision_namespace_ours, provision_workloads, NULL, 120},
    {"zookeeper", NULL, NULL, provision_zookeeper_check, 900},
    {"kafka", NULL, NULL, provision_kafka_check, 900},
    {"health", NULL, NULL, provision_health_check, 300},
};

static const Step deprovision[] = {
    {"workloads", NULL, deprovision_workloads, deprovision_workloads_check, 600},
    {"volumes", NULL, deprovision_volumes, deprovision_volumes_check, 600},
    {"namespace", NULL, deprovision_namespace, deprovision_namespace_check, 900},
    {"persistent volumes", NULL, NULL, deprovision_persistent_volumes_check, 600},
};

static const Step bind[] = {
    {"credentials", NULL, bind_credentials, NULL, 60},
    {"user", NULL, bind_user, NULL, 90},
    {"access rules", NULL, bind_acls, NULL, 90},
    {"login", NULL, NULL, bind_login_check, 90},
};

static const Step unbind[] = {
    {"access rules", NULL, unbind_acls, NULL, 90},
    {"user", NULL, unbind_user, NULL, 90},
    {"login", NULL, NULL, unbind_login_check, 90},
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
    case OPERATION_KINDS:
        break;
    }
    *ret_count = 0;
    return NULL;
}
