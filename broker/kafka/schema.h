/*
 * Shape of Kafka messages as data: one row per field, in the order of the wire. The rows restate Kafka's message definitions
 * (clients/src/main/resources/common/message); a message's versions are those for which its rows are complete.
 */
#ifndef KAFKA_SCHEMA_H
#define KAFKA_SCHEMA_H

#include "kafka/kafka.h"

typedef enum WireType {
    WIRE_BOOL, WIRE_INT8, WIRE_INT16, WIRE_UINT16, WIRE_INT32, WIRE_INT64, WIRE_FLOAT64, WIRE_UUID, WIRE_STRING,
    WIRE_BYTES, /* also `records`: same bytes on the wire */
    WIRE_STRUCT,
} WireType;

typedef struct KafkaField {
    const char *name; /* NULL ends a list */
    WireType type;
    bool array;        /* a list of `type` */
    bool null_default; /* the default is null, otherwise 0, false, "", [] or `number` */
    int first, last;   /* versions that have the field */
    int nullable;      /* 1 + first version in which it may be null; 0 = never */
    int tagged;        /* 1 + first version in which it is a tagged field; 0 = never */
    int tag;
    int64_t number;
    const struct KafkaField *fields; /* of a struct */
} KafkaField;

/* Rows: FIELD("TimeoutMs", INT32, 0, ANY, DEFAULT(60000)). */
#define ANY 127
#define FIELD(title, kind, from, to, ...) {.name = (title), .type = WIRE_##kind, .first = (from), .last = (to), __VA_ARGS__}
#define LIST .array = true
#define NULLABLE(from) .nullable = 1 + (from)
#define TAGGED(from, number) .tagged = 1 + (from), .tag = (number)
#define DEFAULT(value) .number = (value)
#define DEFAULT_NULL .null_default = true
#define OF(rows) .fields = (rows)
#define FIELDS_END {.name = NULL}

typedef struct KafkaMessage {
    KafkaApi api;
    const char *name;
    int min, max;      /* versions of the tables */
    int flexible_from; /* first version with compact lengths and tagged fields (KIP-482); ANY = none */
    const KafkaField *request;
    const KafkaField *response;
} KafkaMessage;

/* The message of an API, or NULL when there is no table for it. */
const KafkaMessage *kafka_message(KafkaApi api);
/* Tables that live in messages_data.c: topics and records. */
const KafkaMessage *kafka_data_messages(size_t *ret_count);
/* Tables that live in messages_admin.c: dynamic configuration and quotas. */
const KafkaMessage *kafka_admin_messages(size_t *ret_count);

#endif
