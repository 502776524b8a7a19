/* Splitting of a request as libmicrohttpd does it, and its functions over the result. */
#include "fake_mhd.h"

#include "base/mem.h"

#include <string.h>
#include <strings.h>

struct MHD_Response {
    const char *text;
    size_t len;
    MHD_ContentReaderFreeCallback release;
};

static char *trimmed(const char *text, size_t n)
{
    while (n > 0 && (*text == ' ' || *text == '\t'))
        text++, n--;
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
        n--;
    return xstrndup(text, n);
}

static void add(struct MHD_Connection *c, enum MHD_ValueKind kind, char *name, char *value)
{
    if (c->count == FAKE_MAX_VALUES) {
        free(name);
        free(value);
        return;
    }
    c->values[c->count++] = (FakeValue){kind, name, value};
}

/* '+' is a blank in names and values; escapes stay. */
static char *argument(const char *text, size_t n)
{
    char *out = xstrndup(text, n);
    for (char *plus = out; (plus = strchr(plus, '+'));)
        *plus = ' ';
    return out;
}

static void add_arguments(struct MHD_Connection *c, const char *query)
{
    for (;;) {
        size_t n = strcspn(query, "&"), name = strcspn(query, "=&");
        if (n > 0)
            add(c, MHD_GET_ARGUMENT_KIND, argument(query, name), name < n ? argument(query + name + 1, n - name - 1) : NULL);
        if (!query[n])
            return;
        query += n + 1;
    }
}

static void add_header(struct MHD_Connection *c, const char *line)
{
    size_t n = strcspn(line, ":");
    if (line[n])
        add(c, MHD_HEADER_KIND, trimmed(line, n), trimmed(line + n + 1, strlen(line + n + 1)));
}

static void read_headers(struct MHD_Connection *c, Input *in)
{
    for (;;) {
        CLEANUP_FREE char *header = input_line(in);
        if (!header || !*header)
            return;
        add_header(c, header);
    }
}

bool fake_request(struct MHD_Connection *c, Input *in)
{
    size_t whole = in->left;
    CLEANUP_FREE char *line = input_line(in);
    size_t method = line ? strcspn(line, " ") : 0;
    if (method == 0 || line[method] != ' ')
        return false;
    const char *target = line + method + 1;
    size_t n = strcspn(target, " "), path = strcspn(target, "? ");
    if (path == 0)
        return false;
    c->method = xstrndup(line, method);
    c->path = xstrndup(target, path);
    if (path < n) {
        CLEANUP_FREE char *query = xstrndup(target + path + 1, n - path - 1);
        add_arguments(c, query);
    }
    c->version = xstrdup(target + n + (target[n] == ' '));
    read_headers(c, in);
    c->head_size = whole - in->left;
    return true;
}

void fake_header(struct MHD_Connection *c, const char *name, const char *value)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->values[i].kind == MHD_HEADER_KIND && strcasecmp(c->values[i].name, name) == 0) {
            free(c->values[i].value);
            c->values[i].value = xstrdup(value);
            return;
        }
    add(c, MHD_HEADER_KIND, xstrdup(name), xstrdup(value));
}

void fake_clear(struct MHD_Connection *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->values[i].name);
        free(c->values[i].value);
    }
    free(c->method);
    free(c->path);
    free(c->version);
    free(c->text);
    *c = (struct MHD_Connection){0};
}

const char *MHD_lookup_connection_value(struct MHD_Connection *c, enum MHD_ValueKind kind, const char *key)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->values[i].kind == kind && strcasecmp(c->values[i].name, key) == 0)
            return c->values[i].value;
    return NULL;
}

int MHD_get_connection_values(struct MHD_Connection *c, enum MHD_ValueKind kind, MHD_KeyValueIterator each, void *context)
{
    int count = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (!(c->values[i].kind & kind))
            continue;
        count++;
        if (each(context, c->values[i].kind, c->values[i].name, c->values[i].value) != MHD_YES)
            break;
    }
    return count;
}

int MHD_get_connection_values_n(struct MHD_Connection *c, enum MHD_ValueKind kind, MHD_KeyValueIteratorN each, void *context)
{
    int count = 0;
    for (size_t i = 0; i < c->count; i++) {
        const FakeValue *v = &c->values[i];
        if (!(v->kind & kind))
            continue;
        count++;
        if (each(context, v->kind, v->name, strlen(v->name), v->value, v->value ? strlen(v->value) : 0) != MHD_YES)
            break;
    }
    return count;
}

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *c, enum MHD_ConnectionInfoType type, ...)
{
    HOLDS(type == MHD_CONNECTION_INFO_SOCKET_CONTEXT || type == MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (type == MHD_CONNECTION_INFO_SOCKET_CONTEXT)
        c->info.socket_context = &c->peer;
    else
        c->info.header_size = c->head_size;
    return &c->info;
}

struct MHD_Response *MHD_create_response_from_buffer_with_free_callback(size_t size, void *buffer, MHD_ContentReaderFreeCallback release)
{
    struct MHD_Response *r = xcalloc(1, sizeof(*r));
    *r = (struct MHD_Response){buffer, size, release};
    return r;
}

struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *buffer, enum MHD_ResponseMemoryMode mode)
{
    HOLDS(mode == MHD_RESPMEM_PERSISTENT);
    return MHD_create_response_from_buffer_with_free_callback(size, buffer, NULL);
}

/* As the library: what would end a header line is refused. */
enum MHD_Result MHD_add_response_header(struct MHD_Response *r, const char *name, const char *value)
{
    (void)r;
    HOLDS(*name && !strpbrk(name, " \t\r\n:"));
    HOLDS(!strpbrk(value, "\r\n"));
    return MHD_YES;
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *c, unsigned int status, struct MHD_Response *r)
{
    HOLDS(c->queued++ == 0);
    c->status = (int)status;
    c->text = r->len ? xstrndup(r->text, r->len) : xstrdup("");
    c->text_len = r->len;
    return MHD_YES;
}

void MHD_destroy_response(struct MHD_Response *r)
{
    if (r->release)
        r->release((void *)r->text);
    free(r);
}
