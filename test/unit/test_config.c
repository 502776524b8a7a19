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
    Error err = {0};
    assert_true(config_load(NULL, &c, &err));
    assert_int_equal(c.port, 8080);
    assert_true(c.check_external);
    assert_string_equal(c.catalog, "./catalog");
    assert_string_equal(c.external_host, "");
    assert_false(config_require(&c, &err));
    assert_non_null(strstr(err.text, "CPBROKER_PASSWORD (password): must be set"));
    assert_non_null(strstr(err.text, "CPBROKER_SEAL_KEYS"));
}

static void test_environment_over_file(void **state)
{
    (void)state;
    char *path = temporary("port: 9000\nworkers: 7\ncheck_external: false\nhome: /srv\ncatalog: /etc/catalog\n");
    setenv("CPBROKER_PORT", "9001", 1);
    CLEANUP(config_clear) Config c = {0};
    assert_true(config_load(path, &c, NULL));
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
    Config c = {0};
    assert_true(config_load(NULL, &c, NULL));
    assert_string_equal(c.password, "from-a-file");
    config_clear(&c);
    setenv("CPBROKER_PASSWORD", "direct", 1);
    assert_true(config_load(NULL, &c, NULL));
    assert_string_equal(c.password, "direct");
    config_clear(&c);
    unsetenv("CPBROKER_PASSWORD");
    unlink(path);
    Error err = {0};
    assert_false(config_load(NULL, &c, &err));
    assert_non_null(strstr(err.text, "CPBROKER_PASSWORD"));
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
            Error err = {0};
            assert_true(config_load(path, &c, &err));
            assert_false(config_require(&c, &err));
            assert_non_null(strstr(err.text, wanted));
            unlink(path);
            free(path);
        }
}

static void test_every_fault_at_once(void **state)
{
    (void)state;
    char *path = temporary("port: 70000\ncolour: blue\ncheck_external: perhaps\n");
    setenv("CPBROKER_WORKERS", "many", 1);
    Config c = {0};
    Error err = {0};
    assert_false(config_load(path, &c, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.text, "CPBROKER_PORT (port): must be a number from 0 to 65535"));
    assert_non_null(strstr(err.text, "unknown setting \"colour\""));
    assert_non_null(strstr(err.text, "must be true or false"));
    assert_non_null(strstr(err.text, "CPBROKER_WORKERS (workers): must be a number from 1 to 64"));
    unlink(path);
    assert_false(config_load(path, &c, &err));
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_defaults, clear), cmocka_unit_test_setup(test_environment_over_file, clear),
                                       cmocka_unit_test_setup(test_secret_from_file, clear),
                                       cmocka_unit_test_setup(test_settings_that_need_others, clear),
                                       cmocka_unit_test_setup(test_every_fault_at_once, clear)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
