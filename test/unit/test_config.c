/* Settings: defaults, file, environment, secrets from files, and every fault at once. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fault_checks.h"

/* Writes text to a new temporary file; the caller frees the name and unlinks. */
static char *temporary(const char *text)
{
    char *path = strdup("/tmp/config-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

static int clear(void **state)
{
    (void)state;
    static const char *const names[] = {"CPBROKER_PORT", "CPBROKER_PASSWORD", "CPBROKER_PASSWORD_FILE", "CPBROKER_CONFIG", "CPBROKER_HOME",
                                        "CPBROKER_CHECK_EXTERNAL", "CPBROKER_WORKERS"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        unsetenv(names[i]);
    return 0;
}

static void test_defaults(void **state)
{
    (void)state;
    CLEANUP(config_clear) Config c = {0};
    CLEANUP(faults_clear) Faults f = {0};
    assert_true(config_load(NULL, &c, &f));
    assert_int_equal(c.port, 8080);
    assert_true(c.check_external);
    assert_string_equal(c.catalog, "./catalog");
    assert_string_equal(c.external_host, "");
    assert_false(config_require(&c, &f));
    assert_fault(&f, "CPBROKER_PASSWORD (password): must be set");
    assert_fault(&f, "CPBROKER_SEAL_KEYS");
}

static void test_environment_over_file(void **state)
{
    (void)state;
    char *path = temporary("port: 9000\nworkers: 7\ncheck_external: false\nhome: /srv\ncatalog: /etc/catalog\n");
    setenv("CPBROKER_PORT", "9001", 1);
    CLEANUP(config_clear) Config c = {0};
    CLEANUP(faults_clear) Faults f = {0};
    assert_true(config_load(path, &c, &f));
    assert_int_equal(c.port, 9001);
    assert_int_equal(c.workers, 7);
    assert_false(c.check_external);
    assert_string_equal(c.catalog, "/etc/catalog");
    assert_string_equal(c.manifests, "/srv/k8s");
    unlink(path);
    free(path);
}

static void test_secret_from_file(void **state)
{
    (void)state;
    char *path = temporary("from-a-file\n");
    setenv("CPBROKER_PASSWORD_FILE", path, 1);
    CLEANUP(faults_clear) Faults f = {0};
    CLEANUP(config_clear) Config c = {0};
    assert_true(config_load(NULL, &c, &f));
    assert_string_equal(c.password, "from-a-file");
    config_clear(&c);
    setenv("CPBROKER_PASSWORD", "direct", 1);
    assert_true(config_load(NULL, &c, &f));
    assert_string_equal(c.password, "direct");
    config_clear(&c);
    unsetenv("CPBROKER_PASSWORD");
    unlink(path);
    assert_false(config_load(NULL, &c, &f));
    assert_false(config_require(&c, &f));
    size_t told = 0;
    for (size_t i = 0; i < f.count; i++)
        told += strstr(f.at[i].text, "CPBROKER_PASSWORD (password)") != NULL;
    assert_int_equal(told, 1);
    free(path);
}

static void test_settings_that_need_others(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"second_username", "second_password"}, {"tls_certificate", "tls_key"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
        for (int side = 0; side < 2; side++) {
            char text[128], wanted[128];
            snprintf(text, sizeof(text), "%s: x\n", pairs[i][side]);
            snprintf(wanted, sizeof(wanted), "(%s): must be set, because %s is", pairs[i][!side], pairs[i][side]);
            char *path = temporary(text);
            CLEANUP(config_clear) Config c = {0};
            CLEANUP(faults_clear) Faults f = {0};
            assert_true(config_load(path, &c, &f));
            assert_false(config_require(&c, &f));
            assert_fault(&f, wanted);
            unlink(path);
            free(path);
        }
}

static void test_every_fault_at_once(void **state)
{
    (void)state;
    char *path = temporary("port: 70000\nlog_levle: info\ncheck_external: perhaps\nhttp_threads: [1]\nexternal_host:\nusername: 'a:b'\n");
    setenv("CPBROKER_WORKERS", "many", 1);
    setenv("CPBROKER_NAMESPACE_PREFIX", "Kafka_", 1);
    CLEANUP(config_clear) Config c = {0};
    CLEANUP(config_clear) Config none = {0};
    CLEANUP(faults_clear) Faults f = {0};
    assert_false(config_load(path, &c, &f));
    assert_fault(&f, "CPBROKER_PORT (port): must be a number from 0 to 65535");
    assert_fault(&f, "log_levle is no setting: did you mean \"log_level\"?");
    assert_fault(&f, "CPBROKER_CHECK_EXTERNAL (check_external): must be true or false");
    assert_fault(&f, "(http_threads): must be a single value");
    assert_fault(&f, ": CPBROKER_WORKERS (workers): must be a number from 1 to 64");
    assert_fault(&f, "(namespace_prefix): must be lower-case letters");
    assert_fault(&f, path);
    assert_int_equal(f.count, 6);
    assert_int_equal(c.port, 8080); /* what is wrong stays at its default */
    assert_string_equal(c.external_host, "");
    assert_false(config_require(&c, &f));
    assert_fault(&f, "CPBROKER_USERNAME (username): must not hold a colon");
    unlink(path);
    assert_false(config_load(path, &none, &f));
    assert_null(none.home);
    assert_fault(&f, "No such file");
    free(path);
    unsetenv("CPBROKER_NAMESPACE_PREFIX");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_defaults, clear), cmocka_unit_test_setup(test_environment_over_file, clear),
                                       cmocka_unit_test_setup(test_secret_from_file, clear),
                                       cmocka_unit_test_setup(test_settings_that_need_others, clear),
                                       cmocka_unit_test_setup(test_every_fault_at_once, clear)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
