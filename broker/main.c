/* Command line: which command, which settings; all else is elsewhere. */
#include "app.h"
#include "domain/lifecycle.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void usage(void)
{
    printf("cpbroker %s: on-demand service broker for Confluent Platform on Kubernetes (Open Service Broker API 2.17)\n\n"
           "usage: cpbroker COMMAND [OPTIONS]\n"
           "  serve [--role all|api|worker]     serve the API and carry out operations\n"
           "  migrate                           bring the database's schema up to date\n"
           "  check-config [--database]         check settings, catalog, manifests and cluster: every fault at once\n"
           "  catalog render PLAN [-p FILE]     print the manifests of a plan as they would be applied\n"
           "  lifecycle                         print the table of states and requests\n"
           "  version                           print the version\n"
           "  --help, --help-markdown           this text with all settings; the settings as a table\n\n"
           "options: --config FILE              settings as YAML (also CPBROKER_CONFIG); the environment comes first\n\nsettings:\n",
           CPBROKER_VERSION);
    config_print_help();
}

typedef struct Options {
    const char *config, *parameters;
    Role role;
    bool database;
} Options;

static bool parse_role(const char *name, Role *ret)
{
    static const char *const names[] = {"all", "api", "worker"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (strcmp(name, names[i]) == 0) {
            *ret = (Role)i;
            return true;
        }
    return false;
}

/* Moves options out of argv; what remains starts at optind. false: said why on stderr. */
static bool parse_options(int argc, char **argv, Options *o)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'}, {"role", required_argument, NULL, 'r'},
                                            {"database", no_argument, NULL, 'd'}, {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "p:", options, NULL)) != -1;) {
        if (c == 'c')
            o->config = optarg;
        else if (c == 'p')
            o->parameters = optarg;
        else if (c == 'd')
            o->database = true;
        else if (c != 'r') {
            fprintf(stderr, "see `cpbroker --help`\n");
            return false;
        } else if (!parse_role(optarg, &o->role)) {
            fprintf(stderr, "--role %s: must be all, api or worker\n", optarg);
            return false;
        }
    }
    return true;
}

static int run(const char *command, int argc, char **argv, const Options *o)
{
    Error err = {0};
    CLEANUP(config_clear) Config config = {0};
    CLEANUP(faults_clear) Faults faults = {0};
    bool ok = config_load(o->config, &config, &faults);
    if (strcmp(command, "check-config") == 0)
        return app_check(&config, &faults, o->database) ? 0 : 1;
    if (!ok)
        app_refuse(&faults, "settings", &err);
    else if (strcmp(command, "serve") == 0)
        ok = app_serve(&config, o->role, &err);
    else if (strcmp(command, "migrate") == 0)
        ok = app_migrate(&config, &err);
    else if (strcmp(command, "catalog") == 0 && argc == 2 && strcmp(argv[0], "render") == 0)
        ok = app_render(&config, argv[1], o->parameters, &err);
    else {
        fprintf(stderr, "cpbroker: no such command; see `cpbroker --help`\n");
        return 2;
    }
    if (!ok)
        fprintf(stderr, "cpbroker: %s\n", err.text);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "--help";
    Options options = {0};
    if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0 || strcmp(command, "help") == 0) {
        usage();
        return 0;
    }
    if (strcmp(command, "--help-markdown") == 0) {
        config_print_markdown();
        return 0;
    }
    if (strcmp(command, "version") == 0 || strcmp(command, "--version") == 0) {
        printf("%s\n", CPBROKER_VERSION);
        return 0;
    }
    if (strcmp(command, "lifecycle") == 0) {
        char *table = lifecycle_markdown();
        fputs(table, stdout);
        free(table);
        return 0;
    }
    if (!parse_options(argc - 1, argv + 1, &options))
        return 2;
    return run(command, argc - 1 - optind, argv + 1 + optind, &options);
}
