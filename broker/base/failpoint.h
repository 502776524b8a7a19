/* Named points at which a test variant kills the process (SIGKILL), to prove that the next one carries on. */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#ifdef CPBROKER_FAILPOINTS
/*
 * Dies when the environment's CPBROKER_FAILPOINT equals `name` (printf-like). With CPBROKER_FAILPOINT_LIST=FILE it appends
 * the name to that file instead, so that a test can learn every point that a run passes.
 */
void failpoint(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define FAILPOINT(...) failpoint(__VA_ARGS__)
#else
#define FAILPOINT(...) ((void)0)
#endif

#endif
