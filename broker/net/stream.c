/* What every stream shares: dispatch and reading an exact number of bytes. */
#include "net/stream.h"

bool stream_read(Stream *s, void *buffer, size_t max, size_t *ret_n, int64_t deadline_ms, Error *err)
{
    return s->ops->read(s, buffer, max, ret_n, deadline_ms, err);
}

bool stream_read_all(Stream *s, void *buffer, size_t n, int64_t deadline_ms, Error *err)
{
    for (size_t done = 0; done < n;) {
        size_t got = 0;
        if (!stream_read(s, (char *)buffer + done, n - done, &got, deadline_ms, err))
            return false;
        if (got == 0)
            return error_set(err, ERR_RETRY, "connection closed");
        done += got;
    }
    return true;
}

bool stream_write(Stream *s, const void *bytes, size_t n, int64_t deadline_ms, Error *err)
{
    return n == 0 || s->ops->write(s, bytes, n, deadline_ms, err);
}

Stream *stream_free(Stream *s)
{
    if (s)
        s->ops->free(s);
    return NULL;
}
