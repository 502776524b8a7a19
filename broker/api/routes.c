/* The whole API on one screen. */
#include "api/handlers.h"

#define INSTANCE "/v2/service_instances/:instance"
#define BINDING INSTANCE "/service_bindings/:binding"

static const Route routes[] = {
    {"GET", "/v2/catalog", ROUTE_OSB, .handler = catalog_get, .work = WORK_QUICK},
    {"PUT", INSTANCE, ROUTE_OSB, .handler = instance_put},
    {"GET", INSTANCE, ROUTE_OSB, .handler = instance_get},
    {"PATCH", INSTANCE, ROUTE_OSB, .handler = instance_patch},
    {"DELETE", INSTANCE, ROUTE_OSB, .handler = instance_delete},
    {"GET", INSTANCE "/last_operation", ROUTE_OSB, .group = last_operations},
    {"PUT", BINDING, ROUTE_OSB, .handler = binding_put, .work = WORK_WAITS},
    {"GET", BINDING, ROUTE_OSB, .handler = binding_get},
    {"DELETE", BINDING, ROUTE_OSB, .handler = binding_delete, .work = WORK_WAITS},
    {"GET", BINDING "/last_operation", ROUTE_OSB, .group = last_operations},
    {"GET", "/healthz", ROUTE_OPEN, .handler = health_live, .work = WORK_QUICK},
    {"GET", "/readyz", ROUTE_OPEN, .handler = health_ready},
    {0},
};

static const Route health_routes[] = {
    {"GET", "/healthz", ROUTE_OPEN, .handler = health_live, .work = WORK_QUICK},
    {"GET", "/readyz", ROUTE_OPEN, .handler = health_ready},
    {0},
};

const Route *api_routes(void)
{
    return routes;
}

const Route *api_health_routes(void)
{
    return health_routes;
}
