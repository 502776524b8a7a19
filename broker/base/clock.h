/* Time: monotonic for deadlines inside the process, wall clock only for texts. Durable times are the database's. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t clock_ms(void);
/* Sleeps; ends early on a signal. */
void clock_sleep_ms(int ms);
/* "2026-01-31T12:00:00.123Z" (RFC 3339, UTC); needs 25 bytes. */
void clock_utc_text(char *buffer, size_t size);

#endif
