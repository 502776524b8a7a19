/* The formats of strings: what each one's RFC allows. */
#include "domain/schema_format.h"

#include "base/macros.h"

#include <arpa/inet.h>
#include <string.h>

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define HEX DIGITS "ABCDEFabcdef"

/* Exactly `n` digits from *s on, as a number; moves *s behind them. -1: there are none. */
static int digits(const char **s, size_t n)
{
    int value = 0;
    if (strspn(*s, DIGITS) < n)
        return -1;
    for (; n > 0; n--)
        value = value * 10 + (*(*s)++ - '0');
    return value;
}

static bool skip(const char **s, const char *one_of)
{
    if (!**s || !strchr(one_of, **s))
        return false;
    (*s)++;
    return true;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* "Z" or "+hh:mm" up to the end; minutes east of UTC in *ret. */
static bool read_offset(const char *s, int *ret)
{
    *ret = 0;
    if (skip(&s, "Zz"))
        return !*s;
    int sign = *s == '-' ? -1 : 1;
    if (!skip(&s, "+-"))
        return false;
    int hours = digits(&s, 2);
    if (!skip(&s, ":"))
        return false;
    int minutes = digits(&s, 2);
    *ret = sign * (hours * 60 + minutes);
    return hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60 && !*s;
}

/* RFC 3339, section 5.6; a 60th second only where leap seconds are: at 23:59 UTC. */
static bool is_date_time(const char *s)
{
    int offset, year = digits(&s, 4);
    if (year < 0 || !skip(&s, "-"))
        return false;
    int month = digits(&s, 2);
    if (month < 1 || month > 12 || !skip(&s, "-"))
        return false;
    int day = digits(&s, 2);
    if (day < 1 || day > days_of(year, month) || !skip(&s, "Tt"))
        return false;
    int hour = digits(&s, 2);
    if (hour < 0 || hour > 23 || !skip(&s, ":"))
        return false;
    int minute = digits(&s, 2);
    if (minute < 0 || minute > 59 || !skip(&s, ":"))
        return false;
    int second = digits(&s, 2);
    if (second < 0 || second > 60)
        return false;
    if (skip(&s, ".")) {
        if (!strspn(s, DIGITS))
            return false;
        s += strspn(s, DIGITS);
    }
    if (!read_offset(s, &offset))
        return false;
    return second < 60 || (hour * 60 + minute - offset + 1440) % 1440 == 1439;
}

/* RFC 1123, section 2.1: labels of letters, digits and inner hyphens, 63 bytes each, 253 in all. */
static bool is_hostname(const char *s)
{
    if (strlen(s) > 253)
        return false;
    for (;; s++) {
        size_t n = strspn(s, LETTERS DIGITS "-");
        if (n == 0 || n > 63 || s[0] == '-' || s[n - 1] == '-')
            return false;
        s += n;
        if (*s != '.')
            return !*s;
    }
}

static bool is_ipv4(const char *s)
{
    struct in_addr address;
    return inet_pton(AF_INET, s, &address) == 1;
}

static bool is_ipv6(const char *s)
{
    struct in6_addr address;
    return inet_pton(AF_INET6, s, &address) == 1;
}

/* RFC 5322 without quotes and comments: words between dots, "@", a host name. */
static bool is_email(const char *s)
{
    const char *start = s;
    for (;; s++) {
        size_t n = strspn(s, LETTERS DIGITS "!#$%&'*+-/=?^_`{|}~");
        if (n == 0)
            return false;
        s += n;
        if (*s != '.')
            break;
    }
    return *s == '@' && s - start <= 64 && is_hostname(s + 1);
}

/* RFC 4122, section 3, of any version. */
static bool is_uuid(const char *s)
{
    for (int i = 0; i < 36; i++)
        if (!s[i] || !strchr(i == 8 || i == 13 || i == 18 || i == 23 ? "-" : HEX, s[i]))
            return false;
    return !s[36];
}

/* Whether `n` bytes are of `allowed` or %HH. */
static bool is_made_of(const char *s, size_t n, const char *allowed)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '%' && i + 2 < n && strchr(HEX, s[i + 1]) && strchr(HEX, s[i + 2]))
            i += 2;
        else if (!strchr(allowed, s[i]))
            return false;
    }
    return true;
}

#define UNRESERVED LETTERS DIGITS "-._~"
#define SUB_DELIMITERS "!$&'()*+,;="

/* [user@]host[:port] of `n` bytes. */
static bool is_authority(const char *s, size_t n)
{
    const char *at = memchr(s, '@', n);
    if (at) {
        if (!is_made_of(s, (size_t)(at - s), UNRESERVED SUB_DELIMITERS ":"))
            return false;
        n -= (size_t)(at + 1 - s);
        s = at + 1;
    }
    size_t host = strcspn(s, ":");
    if (*s == '[') {
        char address[INET6_ADDRSTRLEN];
        size_t length = strcspn(s, "]");
        if (length >= n || length > sizeof(address))
            return false;
        memcpy(address, s + 1, length - 1);
        address[length - 1] = '\0';
        if (!is_ipv6(address))
            return false;
        host = length + 1;
    } else if (host > n) {
        host = n;
    }
    if (*s != '[' && !is_made_of(s, host, UNRESERVED SUB_DELIMITERS))
        return false;
    return host == n || (s[host] == ':' && strspn(s + host + 1, DIGITS) >= n - host - 1);
}

/* RFC 3986, section 3: with a scheme. */
static bool is_uri(const char *s)
{
    size_t scheme = strspn(s, LETTERS DIGITS "+-.");
    if (scheme == 0 || !strchr(LETTERS, s[0]) || s[scheme] != ':')
        return false;
    s += scheme + 1;
    if (strncmp(s, "//", 2) == 0) {
        size_t n = strcspn(s + 2, "/?#");
        if (!is_authority(s + 2, n))
            return false;
        s += 2 + n;
    }
    size_t path = strcspn(s, "?#"), query = s[path] == '?' ? strcspn(s + path, "#") : 0;
    const char *rest = s + path + query; /* "" or "#fragment" */
    return is_made_of(s, path, UNRESERVED SUB_DELIMITERS ":@/") &&
           (query == 0 || is_made_of(s + path + 1, query - 1, UNRESERVED SUB_DELIMITERS ":@/?")) &&
           (!*rest || is_made_of(rest + 1, strlen(rest + 1), UNRESERVED SUB_DELIMITERS ":@/?"));
}

static const Format formats[] = {
    {"date-time", "a date and time (RFC 3339) such as 2024-02-29T12:00:00Z", is_date_time},
    {"uri", "a URI such as https://example.com/path", is_uri},
    {"hostname", "a host name such as kafka.example.com", is_hostname},
    {"ipv4", "an IPv4 address such as 192.0.2.1", is_ipv4},
    {"ipv6", "an IPv6 address such as 2001:db8::1", is_ipv6},
    {"email", "an e-mail address such as name@example.com", is_email},
    {"uuid", "a UUID such as 123e4567-e89b-42d3-a456-426614174000", is_uuid},
};

const Format *format_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

const Format *format_at(size_t i)
{
    return i < ARRAY_SIZE(formats) ? &formats[i] : NULL;
}
