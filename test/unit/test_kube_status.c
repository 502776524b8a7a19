/* Errors of the API server by code, reason and cause; what their texts tell, and what they must not tell of Secrets. */
#include "base/mem.h"
#include "kube/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static Error map(const KubeCall *call, int status, int retry_after, const char *type, const char *body)
{
    Error err = {0};
    HttpResponse response = {.status = status, .retry_after_seconds = retry_after};
    strncpy(response.content_type, type, sizeof(response.content_type) - 1);
    str_append(&response.body, body);
    assert_false(kube_status_error(call, &response, &err));
    http_response_free(&response);
    return err;
}

#define STATUS(fields) "{\"kind\":\"Status\",\"status\":\"Failure\"," fields "}"

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        ErrorKind kind;
    } rows[] = {
        {400, STATUS("\"reason\":\"BadRequest\",\"message\":\"strict decoding error\""), ERR_INVALID},
        {401, STATUS("\"reason\":\"Unauthorized\""), ERR_DENIED},
        {403, STATUS("\"reason\":\"Forbidden\",\"message\":\"User x cannot get\""), ERR_DENIED},
        {403, STATUS("\"reason\":\"Forbidden\",\"message\":\"exceeded quota: plan\""), ERR_DENIED},
        {403, STATUS("\"reason\":\"Forbidden\",\"details\":{\"causes\":[{\"reason\":\"NamespaceTerminating\"}]}"), ERR_RETRY},
        {403, STATUS("\"reason\":\"Forbidden\",\"message\":\"error looking up service account a/default: serviceaccount \\\"default\\\" not found\""), ERR_RETRY},
        {403, STATUS("\"reason\":\"Forbidden\",\"message\":\"services x is forbidden: status unknown for quota: plan, resources: services\""), ERR_RETRY},
        {404, STATUS("\"reason\":\"NotFound\""), ERR_NOT_FOUND},
        {405, STATUS("\"reason\":\"MethodNotAllowed\""), ERR_INVALID},
        {408, "", ERR_RETRY},
        {409, STATUS("\"reason\":\"Conflict\""), ERR_CONFLICT},
        {409, STATUS("\"reason\":\"AlreadyExists\""), ERR_CONFLICT},
        {410, STATUS("\"reason\":\"Expired\""), ERR_GONE},
        {413, "", ERR_INVALID},
        {415, STATUS("\"reason\":\"UnsupportedMediaType\""), ERR_INVALID},
        {422, STATUS("\"reason\":\"Invalid\""), ERR_INVALID},
        {429, STATUS("\"reason\":\"TooManyRequests\""), ERR_RETRY},
        {500, STATUS("\"reason\":\"InternalError\""), ERR_RETRY},
        {500, STATUS("\"message\":\"failed to create typed patch object (/x; /v1, Kind=ConfigMap): .dada: field not declared in schema\""), ERR_INVALID},
        {500, STATUS("\"message\":\"failed to convert new object (/x; /v1, Kind=Secret) to proper version: illegal base64\""), ERR_INVALID},
        {500, STATUS("\"reason\":\"InternalError\",\"message\":\"failed to create typed patch object\""), ERR_RETRY},
        {500, STATUS("\"message\":\"etcdserver: request timed out\""), ERR_RETRY},
        {502, "", ERR_RETRY},
        {503, "", ERR_RETRY},
        {504, STATUS("\"reason\":\"Timeout\""), ERR_RETRY},
        {302, "", ERR_INTERNAL},
        {418, "", ERR_INTERNAL},
    };
    const KubeCall call = {.verb = "get", .kind = "Pod", .ns = "a", .name = "b"};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        Error err = map(&call, rows[i].status, 0, "application/json", rows[i].body);
        if (err.kind != rows[i].kind)
            fail_msg("%d %s gave %s", rows[i].status, rows[i].body, error_kind_name(err.kind));
        assert_true(strncmp(err.text, "get Pod a/b: ", 13) == 0);
    }
}

static void test_texts(void **state)
{
    (void)state;
    const KubeCall pods = {.verb = "list", .kind = "Pod", .ns = "a"}, node = {.verb = "get", .kind = "Node", .name = "n"};
    const KubeCall version = {.verb = "ask the cluster's version"};
    assert_string_equal(map(&pods, 403, 0, "application/json", STATUS("\"reason\":\"Forbidden\",\"message\":\"no\\nway\"")).text,
                        "list Pod a: 403 Forbidden: no way");
    /* An answer that is no Status: overload as text, a proxy's HTML, JSON cut short. */
    assert_string_equal(map(&node, 429, 1, "text/plain", "Too many requests\n").text, "get Node n: 429: Too many requests ");
    assert_string_equal(map(&version, 502, 0, "text/html", "<html>").text, "ask the cluster's version: 502: <html>");
    assert_string_equal(map(&version, 500, 0, "application/json", "{\"kind").text, "ask the cluster's version: 500: {\"kind");
    assert_string_equal(map(&version, 503, 0, "", "").text, "ask the cluster's version: 503");
    CLEANUP_STR Str long_text = STR_INIT;
    for (int i = 0; i < 1000; i++)
        str_append(&long_text, "\xc3\xa9");
    Error err = map(&node, 503, 0, "text/plain", str_text(&long_text));
    assert_in_range(strlen(err.text), 300, 320);
    assert_int_equal((unsigned char)err.text[strlen(err.text) - 1], 0xa9);
}

static void test_retry_after(void **state)
{
    (void)state;
    const KubeCall call = {.verb = "get", .kind = "Pod", .ns = "a", .name = "b"};
    assert_int_equal(map(&call, 429, 7, "text/plain", "x").retry_after_seconds, 7);
    assert_int_equal(map(&call, 504, 0, "application/json", STATUS("\"details\":{\"retryAfterSeconds\":9}")).retry_after_seconds, 9);
    assert_int_equal(map(&call, 504, 12, "application/json", STATUS("\"details\":{\"retryAfterSeconds\":9}")).retry_after_seconds, 12);
    assert_int_equal(map(&call, 404, 5, "application/json", STATUS("\"reason\":\"NotFound\"")).retry_after_seconds, 0);
}

static void test_secrets_are_not_quoted(void **state)
{
    (void)state;
    const KubeCall call = {.verb = "apply", .kind = "Secret", .ns = "a", .name = "tls"};
    Error err = map(&call, 422, 0, "application/json",
                    STATUS("\"reason\":\"Invalid\",\"message\":\"data: Invalid value: hunter2\",\"details\":{\"causes\":"
                           "[{\"field\":\"data[a.pem]\",\"message\":\"Invalid value: hunter2\"},{\"field\":\"type\"}]}"));
    assert_string_equal(err.text, "apply Secret a/tls: 422 Invalid (fields data[a.pem], type)");
    err = map(&call, 400, 0, "text/plain", "bad body: hunter2");
    assert_string_equal(err.text, "apply Secret a/tls: 400");
    assert_int_equal(err.kind, ERR_INVALID);
    err = map(&call, 500, 0, "application/json", STATUS("\"message\":\"failed to convert new object: hunter2\""));
    assert_string_equal(err.text, "apply Secret a/tls: 500 (the object does not fit its schema)");
    /* The same of another kind is told. */
    const KubeCall map_call = {.verb = "apply", .kind = "ConfigMap", .ns = "a", .name = "c"};
    assert_string_equal(map(&map_call, 422, 0, "application/json", STATUS("\"reason\":\"Invalid\",\"message\":\"m\"")).text,
                        "apply ConfigMap a/c: 422 Invalid: m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_secrets_are_not_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
