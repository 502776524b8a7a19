/* SCRAM users (KIP-554). */
#include "kafka/admin.h"

#include "base/digest.h"
#include "base/mem.h"
#include "kafka/errors.h"
#include "kafka/secret.h"

#include <string.h>

enum { MECHANISM_SHA_512 = 2, SALT_SIZE = 32, ITERATIONS_MIN = 4096, ITERATIONS_MAX = 16384 /* Kafka's own limits */ };

/* Sends one change and checks the one result; `missing_is_fine`: an unknown user is success. */
static bool alter(KafkaAdmin *a, const char *user, const json_t *request, bool missing_is_fine, Error *err)
{
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_FREE char *what = xasprintf("Kafka user %s", user);
    if (!kafka_admin_call(a, KAFKA_CONTROLLER_BROKER, KAFKA_ALTER_SCRAM, request, &answer, err))
        return error_wrap(err, "%s", what);
    const json_t *results = json_object_get(answer, "Results");
    if (missing_is_fine && kafka_has_error(results, KAFKA_RESOURCE_NOT_FOUND))
        return true;
    return kafka_check_items(results, 1, what, err);
}

/* Kafka's SCRAM reads names as ASCII (ScramMessages): others could be stored but never log in. */
static bool is_ascii(const char *user)
{
    for (; *user; user++)
        if (*user < 0x20 || *user > 0x7e)
            return false;
    return true;
}

bool kafka_user_upsert(KafkaAdmin *a, const char *user, const char *password, int iterations, Error *err)
{
    if (iterations < ITERATIONS_MIN || iterations > ITERATIONS_MAX)
        return error_set(err, ERR_INVALID, "Kafka user %s: %d SCRAM iterations; Kafka takes %d to %d", user, iterations,
                         ITERATIONS_MIN, ITERATIONS_MAX);
    if (!*user || !*password)
        return error_set(err, ERR_INVALID, "Kafka user %s: name and password must not be empty", user);
    if (!is_ascii(user))
        return error_set(err, ERR_INVALID, "Kafka user %s: only printable ASCII characters can log in; choose another name", user);
    uint8_t salt[SALT_SIZE], salted[SHA512_SIZE];
    random_bytes(salt, sizeof(salt));
    digest_pbkdf2(DIGEST_SHA512, password, salt, sizeof(salt), iterations, salted);
    CLEANUP_FREE char *salt_text = base64_encode(salt, sizeof(salt));
    CLEANUP_SECRET char *salted_text = base64_encode(salted, sizeof(salted));
    explicit_bzero(salted, sizeof(salted));
    CLEANUP_JSON json_t *request =
        json_pack("{s:[{s:s,s:i,s:i,s:s,s:s}]}", "Upsertions", "Name", user, "Mechanism", MECHANISM_SHA_512, "Iterations",
                  iterations, "Salt", salt_text, "SaltedPassword", salted_text);
    bool ok = alter(a, user, request, false, err);
    kafka_erase_string(json_at(request, "Upsertions.0.SaltedPassword"));
    return ok;
}

bool kafka_user_delete(KafkaAdmin *a, const char *user, Error *err)
{
    CLEANUP_JSON json_t *request = json_pack("{s:[{s:s,s:i}]}", "Deletions", "Name", user, "Mechanism", MECHANISM_SHA_512);
    return alter(a, user, request, true, err);
}

bool kafka_user_exists(KafkaAdmin *a, const char *user, bool *ret, Error *err)
{
    CLEANUP_JSON json_t *request = json_pack("{s:[{s:s}]}", "Users", "Name", user);
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_FREE char *what = xasprintf("Kafka user %s", user);
    if (!kafka_admin_call(a, KAFKA_ANY_BROKER, KAFKA_DESCRIBE_SCRAM, request, &answer, err))
        return error_wrap(err, "%s", what);
    if (!kafka_check_item(answer, what, err))
        return false;
    const json_t *results = json_object_get(answer, "Results");
    bool missing = kafka_has_error(results, KAFKA_RESOURCE_NOT_FOUND);
    if (!missing && !kafka_check_items(results, 1, what, err))
        return false;
    size_t i;
    json_t *info;
    bool found = false;
    json_array_foreach(json_at(results, "0.CredentialInfos"), i, info)
    {
        found = found || json_int_at(info, "Mechanism", 0) == MECHANISM_SHA_512;
    }
    *ret = found && !missing;
    return true;
}
