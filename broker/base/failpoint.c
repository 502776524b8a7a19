/* Failpoints of the test variant; empty otherwise. */
#include "base/failpoint.h"

#ifdef CPBROKER_FAILPOINTS
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void failpoint(const char *format, ...)
{
    const char *wanted = getenv("CPBROKER_FAILPOINT"), *list = getenv("CPBROKER_FAILPOINT_LIST");
    if (!wanted && !list)
        return;
    char name[256];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof(name) - 1, format, args);
    va_end(args);
    if (wanted && strcmp(wanted, name) == 0)
        raise(SIGKILL);
    if (list) {
        size_t n = strlen(name);
        name[n] = '\n';
        int fd = open(list, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0) {
            ssize_t written = write(fd, name, n + 1);
            (void)written;
            close(fd);
        }
    }
}
#else
extern int failpoint_none; /* ISO C wants a declaration in each unit */
#endif
