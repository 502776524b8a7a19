/* Templates: insertion, whole values, conditions, repetition, properties, secrets; and each thing that must be refused. */
#include "base/mem.h"
#include "base/yaml.h"
#include "kube/properties.h"
#include "kube/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char VALUES[] = "{ns: osb-1, n: 3, zero: 0, yes: true, no: false, empty: '', nothing: null, real: 1.5, tricky: '${ns}: [x',\n"
                             " labels: {app: kafka, tier: data}, node: {host: h.svc}, names: [a, b],\n"
                             " nodes: [{id: 7, pem: P0, on: true}, {id: 8, pem: P1, on: false}]}";

static json_t *parse(const char *yaml)
{
    Error err = {0};
    json_t *value = NULL;
    if (!yaml_parse(yaml, strlen(yaml), "t", &value, &err))
        fail_msg("%s: %s", yaml, err.text);
    return value;
}

static void check(const char *template, const char *expected_json)
{
    Error err = {0};
    CLEANUP_JSON json_t *tree = parse(template), *values = parse(VALUES), *out = NULL;
    CLEANUP_FREE char *before = json_text(values), *source = json_text(tree);
    if (!template_value(tree, values, &out, &err))
        fail_msg("%s: %s", template, err.text);
    CLEANUP_FREE char *text = json_text(out);
    assert_string_equal(text, expected_json);
    CLEANUP_FREE char *after = json_text(values), *source_after = json_text(tree);
    assert_string_equal(before, after);
    assert_string_equal(source, source_after);
}

static void refused(const char *template, const char *part)
{
    Error err = {0};
    CLEANUP_JSON json_t *tree = parse(template), *values = parse(VALUES);
    json_t *out = (json_t *)&err;
    if (template_value(tree, values, &out, &err)) {
        CLEANUP_FREE char *text = json_text(out);
        fail_msg("%s gave %s", template, text);
    }
    assert_ptr_equal(out, &err);
    assert_int_equal(err.kind, ERR_INVALID);
    if (!strstr(err.text, part))
        fail_msg("\"%s\" not in \"%s\"", part, err.text);
}

static void test_insertion(void **state)
{
    (void)state;
    check("'${ns}'", "\"osb-1\"");
    check("'a-${ns}-${n}-${yes}/${no}${node.host}'", "\"a-osb-1-3-true/falseh.svc\"");
    check("'${names.1} ${nodes.0.pem} ${zero}[${empty}]'", "\"b P0 0[]\"");
    check("'$${HOME} $$ $ ${ns}$'", "\"${HOME} $$ $ osb-1$\"");
    check("'$$${ns}'", "\"$${ns}\"");
    check("[1, true, null, 1.5, plain]", "[1,true,null,1.5,\"plain\"]");
    /* A value is never read again as a template nor as YAML. */
    check("'${tricky}'", "\"${ns}: [x\"");
    check("{'${ns}': '${n}', 'x${n}': 1}", "{\"osb-1\":\"3\",\"x3\":1}");
}

static void test_whole_values(void **state)
{
    (void)state;
    check("{a: '${{n}}', b: '${{yes}}', c: '${{labels}}', d: '${{names}}'}",
          "{\"a\":3,\"b\":true,\"c\":{\"app\":\"kafka\",\"tier\":\"data\"},\"d\":[\"a\",\"b\"]}");
    check("{a: '${{absent?}}', b: '${{nothing?}}', c: '${{no.such.path?}}', d: 1}", "{\"d\":1}");
    check("['${{absent?}}', '${{n?}}', '${{zero?}}', '${{no?}}']", "[3,0,false]");
    check("'${{absent?}}'", "null");
    check("'${{real}}'", "1.5");
    check("'$${{n}}'", "\"${{n}}\"");
}

static void test_refused_strings(void **state)
{
    (void)state;
    refused("{a: {b: ['x', '${absent}']}}", "a.b[1]: no value for ${absent}");
    refused("{a: '${nothing}'}", "no value for ${nothing}");
    refused("{a: '${{absent}}'}", "no value for ${{absent}}");
    refused("{a: '${{nothing}}'}", "no value for ${{nothing}}");
    refused("{x.y: '${absent}'}", "[\"x.y\"]: no value");
    refused("{a: '${labels}'}", "must be a string, an integer or a boolean");
    refused("{a: '${names}'}", "must be a string, an integer or a boolean");
    refused("{a: '${real}'}", "must be a string, an integer or a boolean");
    refused("{a: '${names.nope}'}", "no value for ${names.nope}");
    refused("{a: '${names.9}'}", "no value for ${names.9}");
    refused("{a: '${ns.deeper}'}", "no value for ${ns.deeper}");
    refused("{a: '${'}", "cannot read \"${\"");
    refused("{a: '${ns'}", "cannot read");
    refused("{a: '${}'}", "cannot read");
    refused("{a: '${.ns}'}", "cannot read");
    refused("{a: '${a..b}'}", "cannot read");
    refused("{a: '${ns?}'}", "cannot read");
    refused("{a: '${HOME##*-}'}", "cannot read");
    refused("{a: '${{ns}'}", "cannot read");
    refused("{a: 'x${{n}}'}", "must be the whole string");
    refused("{a: '${{n}} '}", "must be the whole string");
    refused("{'${{n}}': 1}", "a key takes ${path} only");
    refused("{'${ns}': 1, osb-1: 2}", "comes twice");
}

#define MAP(metadata, rest) "{apiVersion: v1, kind: ConfigMap, metadata: {name: m, " metadata "}, " rest "}"
#define MADE(name, rest) "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" name "\"}" rest "}"

static void test_when(void **state)
{
    (void)state;
    static const char *const kept[] = {"yes", "ns", "n", "'!no'", "'!absent'", "'!nothing'", "'!empty'", "'!zero'", "real"};
    static const char *const dropped[] = {"no", "absent", "nothing", "empty", "zero", "'!yes'", "'!ns'", "'!n'"};
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        CLEANUP_FREE char *t = xasprintf("{apiVersion: v1, kind: Pod, metadata: {name: m, annotations: {cpbroker/when: %s}}}", kept[i]);
        check(t, "[{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"m\"}}]");
    }
    for (size_t i = 0; i < ARRAY_SIZE(dropped); i++) {
        CLEANUP_FREE char *t =
            xasprintf("{apiVersion: v1, kind: Pod, metadata: {name: '${absent}', annotations: {cpbroker/when: %s}}}", dropped[i]);
        check(t, "[]");
    }
    refused(MAP("annotations: {cpbroker/when: labels}", "data: {}"), "must be a boolean, a text or a number");
}

static void test_each(void **state)
{
    (void)state;
    check("{apiVersion: v1, kind: ConfigMap, metadata: {name: 'm-${index}', annotations: {cpbroker/each: nodes, keep: 'k${each.id}'}},"
          " x: '${{each.on}}'}",
          "[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"m-0\",\"annotations\":{\"keep\":\"k7\"}},\"x\":true},"
          "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"m-1\",\"annotations\":{\"keep\":\"k8\"}},\"x\":false}]");
    check("{apiVersion: v1, kind: ConfigMap, metadata: {name: 'm-${each}', annotations: {cpbroker/each: names}}}",
          "[" MADE("m-a", "") "," MADE("m-b", "") "]");
    check("{apiVersion: v1, kind: ConfigMap, metadata: {name: 'm-${each.id}', annotations: {cpbroker/each: nodes, cpbroker/when: each.on}}}",
          "[" MADE("m-7", "") "]");
    check("{apiVersion: v1, kind: ConfigMap, metadata: {name: 'm-${each.id}', annotations: {cpbroker/each: nodes, cpbroker/when: '!index'}}}",
          "[" MADE("m-7", "") "]");
    /* A manifest that is left out does not need its list. */
    check(MAP("annotations: {cpbroker/each: absent, cpbroker/when: no}", "data: {}"), "[]");
    refused(MAP("annotations: {cpbroker/each: absent}", "data: {}"), "no value for absent");
    refused(MAP("annotations: {cpbroker/each: labels}", "data: {}"), "no list at labels");
    refused(MAP("x: '${each.id}'", "data: {}"), "no value for ${each.id}");
}

static void test_each_key(void **state)
{
    (void)state;
    check(MAP("annotations: {cpbroker/each-key: nodes}",
              "data: {fix: a, 'f-${ns}': b, 's-${each.id}': 'v${index}', 'i-${index}': {k: '${each.pem}'}}"),
          "[" MADE("m", ",\"data\":{\"fix\":\"a\",\"f-osb-1\":\"b\",\"s-7\":\"v0\",\"s-8\":\"v1\",\"i-0\":\"k=P0\\n\",\"i-1\":\"k=P1\\n\"}") "]");
    refused(MAP("annotations: {cpbroker/each-key: absent}", "data: {'${each.id}': x}"), "no value for absent");
    refused(MAP("annotations: {cpbroker/each-key: nodes}", "data: {'x${each.no}': x}"), "[\"x${each.no}\"]: no value for ${each.no}");
    refused(MAP("", "data: {'x${each.id}': x}"), "no value for ${each.id}");
    refused(MAP("annotations: {cpbroker/each-key: nodes}", "data: {'x${each.id}': x, x8: y}"), "comes twice");
    refused("{apiVersion: v1, kind: Pod, metadata: {name: m, annotations: {cpbroker/each-key: nodes}}}", "keys to repeat");
}

static void test_secret(void **state)
{
    (void)state;
    check("{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {old: b2xk}, stringData: {a: '${ns}', p: {u: '${n}', v: '${{absent?}}'}, e: ''}}",
          "[{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"},"
          "\"data\":{\"old\":\"b2xk\",\"a\":\"b3NiLTE=\",\"p\":\"dT0zCg==\",\"e\":\"\"}}]");
    check("{apiVersion: v1, kind: Secret, metadata: {name: s, annotations: {cpbroker/each-key: nodes}}, stringData: {'${index}.pem': '${each.pem}'}}",
          "[{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"},\"data\":{\"0.pem\":\"UDA=\",\"1.pem\":\"UDE=\"}}]");
    check("{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: '${{labels}}'}",
          "[{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"},\"data\":{\"app\":\"a2Fma2E=\",\"tier\":\"ZGF0YQ==\"}}]");
    refused("{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: {b: c}}}", "stringData");
    refused("{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: 5}}", "must be a text");
    refused("{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: '${{names}}'}", "must be a mapping");
}

static void test_properties(void **state)
{
    (void)state;
    check(MAP("", "data: {f: {b.c: 1, a: true, none: null, gone: '${{absent?}}', z: '${{n}}', e: ''}}"),
          "[" MADE("m", ",\"data\":{\"f\":\"b.c=1\\na=true\\nz=3\\ne=\\n\"}") "]");
    refused(MAP("", "data: {f: {a: [1]}}"), "property a is a list or a mapping");
    refused(MAP("", "data: {f: {a: {b: c}}}"), "property a is a list or a mapping");
    refused(MAP("", "data: {f: {a: 1.0}}"), "property a is a real number");
    refused(MAP("", "data: {f: 5}"), "must be a text");
    refused(MAP("", "data: {f: [a]}"), "must be a text");
}

static void test_properties_escapes(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *line;
    } rows[] = {
        {"k", "v", "k=v\n"},
        {"k", "  two lead", "k=\\ \\ two lead\n"},
        {"k", "in side ", "k=in side \n"},
        {"k", "a\\b", "k=a\\\\b\n"},
        {"k", "l1\nl2\r\tx\f", "k=l1\\nl2\\r\\tx\\f\n"},
        {"k", "#!:=", "k=#!:=\n"},
        {"a b:c=d#e!f", "v", "a\\ b\\:c\\=d\\#e\\!f=v\n"},
        {" k\\", "v", "\\ k\\\\=v\n"},
        {"k", "\xc3\xa9", "k=\\u00E9\n"},                          /* e acute: Latin-1, yet one byte there and two in UTF-8 */
        {"\xc3\xa9", "\xe2\x82\xac", "\\u00E9=\\u20AC\n"},         /* euro sign */
        {"k", "\xf0\x9f\x98\x80", "k=\\uD83D\\uDE00\n"},           /* beyond the basic plane: a surrogate pair */
        {"k", "\x01\x7f", "k=\\u0001\\u007F\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        Error err = {0};
        CLEANUP_STR Str out = STR_INIT;
        CLEANUP_JSON json_t *mapping = json_object();
        json_object_set_new(mapping, rows[i].key, json_string(rows[i].value));
        assert_true(properties_write(mapping, &out, &err));
        assert_string_equal(str_text(&out), rows[i].line);
    }
}

static void test_refused_manifests(void **state)
{
    (void)state;
    refused("{kind: Pod, metadata: {name: x}}", "no apiVersion");
    refused("{kind: '', apiVersion: v1, metadata: {name: x}}", "no kind");
    refused("{kind: Pod, apiVersion: v1}", "no metadata.name");
    refused("{kind: '${ns}', apiVersion: v1, metadata: {name: x}}", "kind must be plain text");
    refused(MAP("annotations: {cpbroker/if: x}", "data: {}"), "unknown annotation");
    refused(MAP("annotations: {cpbroker/when: '${n}'}", "data: {}"), "must be a path");
    refused(MAP("annotations: {cpbroker/each: 5}", "data: {}"), "must be a path");
}

static void write_file(const char *folder, const char *name, const char *text)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = {"kafka/20-b.yaml", "kafka/10-a.yaml", "kafka/30-c.yaml", "kafka/notes.txt",
                                        "kafka", "empty", "README.md"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", folder, names[i]);
        if (remove(path) != 0)
            continue;
    }
    rmdir(folder);
}

static void test_sets(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_template.XXXXXX";
    Error err = {0};
    CLEANUP(templates_free) Templates *t = NULL;
    CLEANUP_JSON json_t *values = parse(VALUES), *all = NULL, *services = NULL;
    static const char *const kinds[] = {"Service", NULL};
    assert_non_null(mkdtemp(folder));
    CLEANUP_FREE char *set = xasprintf("%s/kafka", folder);
    mkdir(set, 0700);
    write_file(folder, "README.md", "not a set");
    write_file(set, "notes.txt", "not a manifest");
    write_file(set, "20-b.yaml", "# comment\napiVersion: v1\nkind: Service\nmetadata: {name: '${ns}'}\n");
    write_file(set, "10-a.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: '${names.0}'}\n");
    if (!templates_load(folder, &t, &err))
        fail_msg("%s", err.text);
    assert_true(template_render(t, "kafka", NULL, values, &all, &err));
    assert_int_equal(json_array_size(all), 2);
    assert_string_equal(json_string_at(all, "0.kind", ""), "Pod");
    assert_string_equal(json_string_at(all, "1.metadata.name", ""), "osb-1");
    /* A kind that is not asked for needs no values. */
    json_object_del(values, "names");
    assert_true(template_render(t, "kafka", kinds, values, &services, &err));
    assert_int_equal(json_array_size(services), 1);
    json_t *out = NULL;
    assert_false(template_render(t, "kafka", NULL, values, &out, &err));
    assert_non_null(strstr(err.text, "kafka/10-a.yaml: metadata.name: no value for ${names.0}"));
    assert_false(template_render(t, "zoo", NULL, values, &out, &err));
    assert_non_null(strstr(err.text, "no set of manifests"));
    remove_folder(folder);
}

static void load_refused(const char *text, const char *part)
{
    char folder[] = "/tmp/test_template.XXXXXX";
    Error err = {0};
    Templates *t = NULL;
    assert_non_null(mkdtemp(folder));
    CLEANUP_FREE char *set = xasprintf("%s/kafka", folder);
    mkdir(set, 0700);
    if (text)
        write_file(set, "30-c.yaml", text);
    assert_false(templates_load(folder, &t, &err));
    assert_null(t);
    assert_int_equal(err.kind, ERR_INVALID);
    if (!strstr(err.text, part) || !strstr(err.text, folder))
        fail_msg("\"%s\" not in \"%s\"", part, err.text);
    remove_folder(folder);
}

static void test_load_refused(void **state)
{
    (void)state;
    load_refused(NULL, "no file like");
    load_refused("", "not a manifest");
    load_refused("apiVersion: v1\nmetadata: {name: x}\n", "30-c.yaml: no kind");
    load_refused("apiVersion: v1\nkind: Pod\nmetadata: {name: '${a b}'}\n", "30-c.yaml: metadata.name: cannot read");
    load_refused("a: [\n", "30-c.yaml");
    Error err = {0};
    Templates *t = NULL;
    assert_false(templates_load("/nonexistent/k8s", &t, &err));
    assert_int_equal(err.kind, ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insertion),       cmocka_unit_test(test_whole_values), cmocka_unit_test(test_refused_strings),
        cmocka_unit_test(test_when),            cmocka_unit_test(test_each),         cmocka_unit_test(test_each_key),
        cmocka_unit_test(test_secret),          cmocka_unit_test(test_properties),   cmocka_unit_test(test_properties_escapes),
        cmocka_unit_test(test_refused_manifests), cmocka_unit_test(test_sets),       cmocka_unit_test(test_load_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
