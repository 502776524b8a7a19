/* The catalog: the project's own, overlays and image maps, what each version is served, and faults by name. */
#include "domain/catalog.h"

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fault_checks.h"

static json_t *served(const Catalog *c, int minor)
{
    size_t n;
    json_t *value = NULL;
    const char *text = catalog_json(c, minor, &n);
    assert_true(json_parse(text, n, &value, NULL));
    return value;
}

static void test_own_catalog(void **state)
{
    (void)state;
    CLEANUP(faults_clear) Faults f = {0};
    CLEANUP(catalog_free) Catalog *c = NULL;
    if (!catalog_load("catalog", NULL, NULL, &c, &f))
        assert_no_fault(&f);
    const Plan *p = catalog_plan_named(c, "bare-minimum");
    assert_non_null(p);
    assert_int_equal(p->quorum, QUORUM_ZOOKEEPER);
    assert_int_equal(p->brokers, 3);
    assert_ptr_equal(catalog_plan(c, p->service_id, p->id), p);
    assert_null(catalog_plan(c, p->id, p->id));
    assert_null(catalog_plan_named(c, "none"));
    assert_true(catalog_has_service(c, p->service_id));
    assert_false(catalog_has_service(c, p->id));
    assert_null(catalog_plan_at(c, 3));
}

static void test_members_by_version(void **state)
{
    (void)state;
    CLEANUP(catalog_free) Catalog *c = NULL;
    assert_true(catalog_load("catalog", NULL, NULL, &c, NULL));
    CLEANUP_JSON json_t *old = served(c, 13);
    CLEANUP_JSON json_t *mid = served(c, 15);
    CLEANUP_JSON json_t *new = served(c, 17);
    assert_null(json_at(old, "services.0.instances_retrievable"));
    assert_null(json_at(old, "services.0.plans.0.maximum_polling_duration"));
    assert_true(json_bool_at(mid, "services.0.bindings_retrievable", false));
    assert_true(json_int_at(mid, "services.0.plans.0.maximum_polling_duration", 0) > 0);
    assert_null(json_at(mid, "services.0.plans.0.binding_rotatable"));
    assert_true(json_bool_at(new, "services.0.plans.0.binding_rotatable", false));
    assert_string_equal(json_string_at(new, "services.0.plans.2.name", ""), "standard");
    assert_null(json_at(new, "services.0.plans.0.spec"));
    size_t a, b;
    assert_ptr_equal(catalog_json(c, 17, &a), catalog_json(c, 99, &b));
}

static void test_overlay_and_images(void **state)
{
    (void)state;
    CLEANUP(catalog_free) Catalog *c = NULL;
    CLEANUP_JSON json_t *images = json_pack("{s:s}", "confluentinc/cp-kafka:8.1.0", "harbor.test/kafka:1");
    CLEANUP_JSON json_t *overlay = json_pack("{s:s, s:{s:s}}", "anti_affinity", "preferred", "kafka", "memory", "1Gi");
    assert_true(catalog_load("catalog", images, overlay, &c, NULL));
    const Plan *p = catalog_plan_named(c, "standard");
    assert_string_equal(json_string_at(p->spec, "images.kafka", ""), "harbor.test/kafka:1");
    assert_string_equal(json_string_at(p->spec, "kafka.memory", ""), "1Gi");
    assert_string_equal(json_string_at(p->spec, "kafka.storage", ""), "100Gi");
    assert_string_equal(json_string_at(p->spec, "anti_affinity", ""), "preferred");
}

static void test_bad_overlay_names_every_fault(void **state)
{
    (void)state;
    CLEANUP(faults_clear) Faults f = {0};
    Catalog *c = NULL;
    CLEANUP_JSON json_t *overlay = json_pack("{s:s, s:{s:i, s:s, s:s}}", "anti_affinity", "perhaps", "quorum", "replicas", 2, "cpu", "fast", "memroy", "1Gi");
    json_object_set_new(overlay, "stuck_seconds", json_integer(29));
    assert_false(catalog_load("catalog", NULL, overlay, &c, &f));
    assert_null(c);
    assert_fault(&f, "size_overlay: anti_affinity must be required or preferred");
    assert_fault(&f, "size_overlay: quorum.replicas must be 1, 3 or 5");
    assert_fault(&f, "size_overlay: quorum.cpu must be a quantity: \"fast\"");
    assert_fault(&f, "size_overlay: quorum.memroy is not known: did you mean \"memory\"?");
    assert_fault(&f, "size_overlay: stuck_seconds must be a number from 30 to 3600");
    assert_int_equal(f.count, 5); /* and not once for each plan */
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_missing_and_broken_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/catalog-XXXXXX", path[128];
    static const char *const names[] = {"plans/broken.yml", "plans/list.yml", "plans", "catalog.yml", "parameters.yml"};
    static const char *const parts[] = {"catalog.yml: id is missing; it must be a GUID", "catalog.yml: name must be lower-case",
                                        "catalog.yml: plans[3] is \"list\" again", "catalog.yml: plans[4] must be the name of a file",
                                        "plans/lost.yml: cannot open", "plans/broken.yml: line 2", "plans/list.yml: must be a mapping",
                                        "parameters.yml: size.minimum is \"5\" (a string); it must be a number",
                                        "parameters.yml: size.tpye is no keyword"};
    assert_non_null(mkdtemp(folder));
    CLEANUP(faults_clear) Faults none = {0}, f = {0};
    Catalog *c = NULL;
    assert_false(catalog_load(folder, NULL, NULL, &c, &none));
    assert_int_equal(none.count, 1);
    assert_fault(&none, "No such file");
    snprintf(path, sizeof(path), "%s/plans", folder);
    mkdir(path, 0700);
    write_file(folder, "catalog.yml", "name: Not A Name\nplans: [lost, broken, list, list, ../x]\n");
    write_file(folder, "plans/broken.yml", "name: [\n");
    write_file(folder, "plans/list.yml", "[]\n");
    write_file(folder, "parameters.yml", "size: {minimum: '5', tpye: integer}\n");
    assert_false(catalog_load(folder, NULL, NULL, &c, &f));
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        assert_fault(&f, parts[i]);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        remove(path);
    }
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_own_catalog), cmocka_unit_test(test_members_by_version),
                                       cmocka_unit_test(test_overlay_and_images), cmocka_unit_test(test_bad_overlay_names_every_fault),
                                       cmocka_unit_test(test_missing_and_broken_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
