/* Running a credential plugin: own process group, bounded time and output, nothing inherited but the environment. */
#include "kube/exec_plugin.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX ((size_t)1 << 20)

static bool is_own_setting(const char *entry)
{
    return strncmp(entry, "CPBROKER_", 9) == 0 || strncmp(entry, "KUBERNETES_EXEC_INFO=", 21) == 0;
}

/* Array of borrowed entries; later ones win in no libc, so those that the plugin sets are left out of the process's own. */
static const char **environment(const ExecPlugin *plugin, const char *info)
{
    size_t n = 0, extra = 0;
    while (environ[n])
        n++;
    while (plugin->env[extra])
        extra++;
    const char **out = xcalloc(n + extra + 2, sizeof(*out));
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        bool replaced = is_own_setting(environ[i]);
        for (size_t j = 0; j < extra; j++)
            replaced = replaced || strncmp(environ[i], plugin->env[j], strcspn(plugin->env[j], "=") + 1) == 0;
        if (!replaced)
            out[count++] = environ[i];
    }
    for (size_t j = 0; j < extra; j++)
        out[count++] = plugin->env[j];
    out[count] = info;
    return out;
}

/* Starts the plugin with `output` as its stdout. Returns 0 or an errno value. */
static int start(const ExecPlugin *plugin, int output, pid_t *ret_pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    CLEANUP_FREE char *info = xasprintf("KUBERNETES_EXEC_INFO=%s", plugin->info);
    const char **env = environment(plugin, info);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, 1);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int code = posix_spawn(ret_pid, plugin->command, &files, &attributes, plugin->args, (char *const *)env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    free(env);
    return code;
}

/* Reads to the end of the pipe. false: too much output, or the deadline. */
static bool read_output(int fd, Str *out, int64_t deadline)
{
    char block[4096];
    for (;;) {
        int64_t left = deadline - clock_ms();
        struct pollfd p = {fd, POLLIN, 0};
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t n = ready > 0 ? read(fd, block, sizeof(block)) : -1;
        if (n > 0)
            str_append_n(out, block, (size_t)n);
        explicit_bzero(block, sizeof(block));
        if (n == 0)
            return true;
        if (n < 0 || out->len > OUTPUT_MAX)
            return false;
    }
}

/* Waits for the process to the deadline, then kills its group. *ret_status as of waitpid. false: it had to be killed. */
static bool reap(pid_t pid, bool ended_well, int64_t deadline, int *ret_status)
{
    while (ended_well) {
        pid_t got = waitpid(pid, ret_status, WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR))
            return got == pid;
        ended_well = clock_ms() < deadline;
        clock_sleep_ms(2);
    }
    kill(-pid, SIGKILL);
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
        continue;
    return false;
}

bool exec_plugin_run(const ExecPlugin *plugin, Credential *ret, Error *err)
{
    CLEANUP_STR Str out = STR_INIT;
    int pipe_ends[2], status = 0;
    pid_t pid;
    int64_t deadline = clock_ms() + plugin->timeout_ms;
    if (pipe2(pipe_ends, O_CLOEXEC) != 0)
        return error_set(err, ERR_RETRY, "credential plugin %s: no pipe: %s", plugin->command, strerror(errno));
    int code = start(plugin, pipe_ends[1], &pid);
    close(pipe_ends[1]);
    if (code != 0) {
        close(pipe_ends[0]);
        return error_set(err, ERR_DENIED, "credential plugin %s cannot be started: %s", plugin->command, strerror(code));
    }
    bool whole = read_output(pipe_ends[0], &out, deadline);
    close(pipe_ends[0]);
    if (!reap(pid, whole, deadline, &status))
        return error_set(err, ERR_RETRY, "credential plugin %s %s; it was stopped", plugin->command,
                         out.len > OUTPUT_MAX ? "printed more than 1 MiB" : "did not end in time");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return error_set(err, ERR_RETRY, "credential plugin %s ended with %s %d; run it by hand to see why", plugin->command,
                         WIFEXITED(status) ? "exit code" : "signal",
                         WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    if (!exec_credential_parse(str_text(&out), out.len, plugin->api_version, ret, err))
        return error_wrap(err, "credential plugin %s", plugin->command);
    return true;
}
