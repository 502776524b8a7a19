/* Checks on decoded answers. */
#ifndef KAFKA_ERRORS_H
#define KAFKA_ERRORS_H

#include "kafka/kafka.h"

enum {
    KAFKA_UNKNOWN_TOPIC_OR_PARTITION = 3,
    KAFKA_UNSUPPORTED_VERSION = 35,
    KAFKA_TOPIC_ALREADY_EXISTS = 36,
    KAFKA_INVALID_REPLICATION_FACTOR = 38,
    KAFKA_NOT_CONTROLLER = 41,
    KAFKA_RESOURCE_NOT_FOUND = 91,
};

/* kafka_check of the members ErrorCode and ErrorMessage of `item`; an item without ErrorCode is ERR_INTERNAL. */
bool kafka_check_item(const json_t *item, const char *what, Error *err);
/* kafka_check_item of each element; a list with fewer than `expected` is ERR_INTERNAL. */
bool kafka_check_items(const json_t *list, size_t expected, const char *what, Error *err);
/* Whether `code` stands in any ErrorCode of the answer. */
bool kafka_has_error(const json_t *answer, int code);

#endif
