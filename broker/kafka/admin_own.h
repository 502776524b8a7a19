/* What the files of the administration share. */
#ifndef KAFKA_ADMIN_OWN_H
#define KAFKA_ADMIN_OWN_H

#include "kafka/admin.h"

/* Time limit of each call, in milliseconds. */
int kafka_admin_timeout_ms(const KafkaAdmin *a);
/* The i-th broker expected to exist, or -1 beyond the last. */
int kafka_admin_expected(const KafkaAdmin *a, size_t i);

#endif
