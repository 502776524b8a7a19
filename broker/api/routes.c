/* The whole API on one screen. */
#include "api/handlers.h"

#define INSTANCE "/v2/service_instances/:instance"
#define BINDING INSTANCE "/service_bindings/:binding"

static const Route routes[] = {
    {"GET", "/v2/catalog", ROUTE_OSB, catalog_get, false},
    {"PUT", INSTANCE, ROUTE_OSB, instance_put, false},
    {"GET", INSTANCE, ROUTE_OSB, instance_get, false},
    {"PATCH", INSTANCE, ROUTE_OSB, instance_patch, false},
    {"DELETE", INSTANCE, ROUTE_OSB, instance_delete, false},
    {"GET", INSTANCE "/last_operation", ROUTE_OSB, instance_last_operation, false},
    {"PUT", BINDING, ROUTE_OSB, binding_put, true},
    {"GET", BINDING, ROUTE_OSB, binding_get, false},
    {"DELETE", BINDING, ROUTE_OSB, binding_delete, true},
    {"GET", BINDING "/last_operation", ROUTE_OSB, binding_last_operation, false},
    {"GET", "/healthz", ROUTE_OPEN, health_live, false},
    {"GET", "/readyz", ROUTE_OPEN, health_ready, false},
    {0},
};

static const Route health_routes[] = {
    {"GET", "/healthz", ROUTE_OPEN, health_live, false},
    {"GET", "/readyz", ROUTE_OPEN, health_ready, false},
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
