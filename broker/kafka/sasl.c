/* Logins: SaslHandshake v1, then the mechanism's messages in SaslAuthenticate (KIP-43, KIP-152). */
#include "kafka/kafka.h"

#include "base/digest.h"
#include "base/mem.h"
#include "kafka/errors.h"
#include "kafka/scram.h"
#include "kafka/secret.h"
#include "kafka/wire.h"

#include <string.h>

static bool handshake(KafkaConnection *c, const char *mechanism, int64_t deadline_ms, Error *err)
{
    CLEANUP_JSON json_t *request = json_pack("{s:s}", "Mechanism", mechanism);
    CLEANUP_JSON json_t *answer = NULL;
    if (!kafka_call(c, KAFKA_SASL_HANDSHAKE, request, deadline_ms, &answer, err))
        return false;
    CLEANUP_FREE char *what = xasprintf("SASL mechanism %s", mechanism);
    return kafka_check_item(answer, what, err);
}

/* One round; *ret becomes the server's bytes. */
static bool round_trip(KafkaConnection *c, const Str *message, int64_t deadline_ms, Str *ret, Error *err)
{
    CLEANUP_SECRET char *text = base64_encode(str_text(message), message->len);
    CLEANUP_JSON json_t *request = json_pack("{s:s}", "AuthBytes", text);
    CLEANUP_JSON json_t *answer = NULL;
    bool ok = kafka_call(c, KAFKA_SASL_AUTHENTICATE, request, deadline_ms, &answer, err);
    kafka_erase_string(json_object_get(request, "AuthBytes"));
    if (!ok || !kafka_check_item(answer, "login", err))
        return false;
    str_clear(ret);
    if (!wire_put_base64(ret, json_string_at(answer, "AuthBytes", "")))
        return error_set(err, ERR_INTERNAL, "login: the broker's answer has no bytes");
    return true;
}

static bool scram_rounds(KafkaConnection *c, Scram *s, int64_t deadline_ms, Error *err)
{
    CLEANUP_STR Str message = STR_INIT, answer = STR_INIT;
    CLEANUP_SECRET char *final = NULL;
    str_append(&message, scram_first(s));
    if (!round_trip(c, &message, deadline_ms, &answer, err) || !scram_final(s, str_text(&answer), answer.len, &final, err))
        return false;
    str_clear(&message);
    str_append(&message, final);
    return round_trip(c, &message, deadline_ms, &answer, err) && scram_verify(s, str_text(&answer), answer.len, err);
}

bool kafka_login_scram(KafkaConnection *c, const char *mechanism, const char *user, const char *password,
                       int64_t deadline_ms, Error *err)
{
    bool sha512 = strcmp(mechanism, "SCRAM-SHA-512") == 0;
    if (!sha512 && strcmp(mechanism, "SCRAM-SHA-256") != 0)
        return error_set(err, ERR_INVALID, "SASL mechanism %s is unknown; use SCRAM-SHA-512 or SCRAM-SHA-256", mechanism);
    CLEANUP(scram_free) Scram *s = scram_new(sha512 ? DIGEST_SHA512 : DIGEST_SHA256, user, password, NULL);
    if (!handshake(c, mechanism, deadline_ms, err) || !scram_rounds(c, s, deadline_ms, err))
        return error_wrap(err, "Kafka user %s", user);
    return true;
}

bool kafka_login_plain(KafkaConnection *c, const char *user, const char *password, int64_t deadline_ms, Error *err)
{
    CLEANUP_STR Str message = STR_INIT, answer = STR_INIT;
    str_append_char(&message, '\0'); /* RFC 4616: no other identity to act as */
    str_append(&message, user);
    str_append_char(&message, '\0');
    str_append(&message, password);
    if (!handshake(c, "PLAIN", deadline_ms, err) || !round_trip(c, &message, deadline_ms, &answer, err))
        return error_wrap(err, "Kafka user %s", user);
    return true;
}
