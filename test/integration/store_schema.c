/* Checks of migrations, readiness and statements. */
#include "store_driver.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder SCRATCH/name with the project's migrations and one more file of this name and text. */
static char *folder_with(Test *t, const char *name, const char *file, const char *text)
{
    char *folder = xasprintf("%s/%s", t->scratch, name);
    EXPECT(t, mkdir(folder, 0755) == 0);
    CLEANUP(strings_free) char **names = NULL;
    EXPECT(t, file_list(t->migrations, ".sql", &names, &t->err));
    for (char **n = names; n && *n; n++) {
        CLEANUP_FREE char *from = xasprintf("%s/%s", t->migrations, *n);
        CLEANUP_FREE char *to = xasprintf("%s/%s", folder, *n);
        EXPECT(t, symlink(from, to) == 0);
    }
    CLEANUP_FREE char *path = xasprintf("%s/%s", folder, file);
    unlink(path);
    FILE *f = fopen(path, "w");
    EXPECT(t, f != NULL);
    if (f) {
        fputs(text, f);
        fclose(f);
    }
    return folder;
}

static bool said(const Test *t, const char *text)
{
    return strstr(t->err.text, text) != NULL;
}

static void check_empty_database(Test *t)
{
    EXPECT_KIND(t, store_ready(t->store, &t->err), ERR_INVALID);
    EXPECT(t, said(t, "cpbroker migrate"));
    EXPECT_KIND(t, store_check_statements(t->store, &t->err), ERR_INTERNAL);
    EXPECT(t, said(t, "cpbroker migrate"));
}

static void check_known_version(Test *t)
{
    CLEANUP(strings_free) char **names = NULL;
    EXPECT(t, file_list(t->migrations, ".sql", &names, &t->err));
    int n = 0;
    while (names && names[n])
        n++;
    EXPECT(t, n == store_schema_version());
}

static void *migrate_thread(void *context)
{
    Test *t = context;
    Error err = {0};
    return store_migrate(t->store, t->migrations, NULL, &err) ? t : NULL;
}

static void check_migrate_at_once(Test *t)
{
    pthread_t threads[3];
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        pthread_create(&threads[i], NULL, migrate_thread, t);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        void *done;
        pthread_join(threads[i], &done);
        EXPECT(t, done != NULL);
    }
    EXPECT_ROWS(t, "t", "select count(*) = count(distinct name) and count(*) > 0 from schema_migrations");
    EXPECT(t, store_ready(t->store, &t->err));
}

static void must_not_apply(const char *name)
{
    printf("applied again: %s\n", name);
    fflush(stdout);
    abort();
}

static void check_migrate_twice(Test *t)
{
    EXPECT(t, store_migrate(t->store, t->migrations, must_not_apply, &t->err));
    EXPECT_ROWS(t, "t", "select bool_and(checksum ~ '^[0-9a-f]{64}$' and applied_at <= now()) from schema_migrations");
}

static void check_changed_file(Test *t)
{
    CLEANUP_FREE char *folder = folder_with(t, "changed", "0001-initial.sql", "create table other (id int);");
    EXPECT_KIND(t, store_migrate(t->store, folder, NULL, &t->err), ERR_INVALID);
    EXPECT(t, said(t, "0001-initial.sql") && said(t, "changed"));
}

static void check_bad_folders(Test *t)
{
    CLEANUP_FREE char *gap = folder_with(t, "gap", "0004-later.sql", "select 1;");
    EXPECT_KIND(t, store_migrate(t->store, gap, NULL, &t->err), ERR_INVALID);
    EXPECT(t, said(t, "0004-later.sql") && said(t, "0003-"));
    CLEANUP_FREE char *twice = folder_with(t, "twice", "0001-zweite.sql", "select 1;");
    EXPECT_KIND(t, store_migrate(t->store, twice, NULL, &t->err), ERR_INVALID);
    CLEANUP_FREE char *renamed = folder_with(t, "renamed", "0001-initial.sql", "");
    CLEANUP_FREE char *old = xasprintf("%s/0001-initial.sql", renamed);
    CLEANUP_FREE char *new = xasprintf("%s/0001-other.sql", renamed);
    EXPECT(t, rename(old, new) == 0);
    EXPECT_KIND(t, store_migrate(t->store, renamed, NULL, &t->err), ERR_INVALID);
    EXPECT(t, said(t, "0001-initial.sql") && said(t, "0001-other.sql"));
    EXPECT_KIND(t, store_migrate(t->store, t->scratch, NULL, &t->err), ERR_INVALID);
    EXPECT_KIND(t, store_migrate(t->store, "/nowhere/at/all", NULL, &t->err), ERR_INVALID);
}

static void check_failing_migration(Test *t)
{
    CLEANUP_FREE char *broken = folder_with(t, "broken", "0003-broken.sql", "create table half (id int); select nonsense;");
    EXPECT_KIND(t, store_migrate(t->store, broken, NULL, &t->err), ERR_INVALID);
    EXPECT(t, said(t, "0003-broken.sql") && said(t, "nonsense"));
    CLEANUP_FREE char *commits = folder_with(t, "commits", "0003-commits.sql", "select 1; commit;");
    EXPECT_KIND(t, store_migrate(t->store, commits, NULL, &t->err), ERR_INVALID);
    EXPECT_ROWS(t, "f", "select to_regclass('half') is not null");
    EXPECT_ROWS(t, "0", "select count(*) from schema_migrations where name like '0003%'");
}

static void check_newer_database(Test *t)
{
    CLEANUP_FREE char *newer = folder_with(t, "newer", "0003-newer.sql", "create table newer (id int);");
    EXPECT(t, store_migrate(t->store, newer, NULL, &t->err));
    EXPECT_KIND(t, store_ready(t->store, &t->err), ERR_INVALID);
    EXPECT(t, said(t, "newer cpbroker"));
    EXPECT_KIND(t, store_migrate(t->store, t->migrations, NULL, &t->err), ERR_INVALID);
    EXPECT(t, said(t, "0003-newer.sql"));
    order("psql drop table newer; delete from schema_migrations where name like '0003%%'");
    EXPECT(t, store_ready(t->store, &t->err));
}

static void check_statements_prepare(Test *t)
{
    EXPECT(t, store_check_statements(t->store, &t->err));
    order("psql alter table secrets rename key_id to other");
    Store *fresh = NULL;
    EXPECT(t, store_open(t->conninfo, 1, 100, &fresh, &t->err));
    EXPECT_KIND(t, store_check_statements(fresh, &t->err), ERR_INTERNAL);
    EXPECT(t, said(t, "secret_put"));
    order("psql alter table secrets rename other to key_id");
    EXPECT(t, store_check_statements(fresh, &t->err));
    store_close(fresh);
}

const Check schema_checks[] = {
    {"an empty database is not ready and says what to do", check_empty_database},
    {"the program knows as many migrations as there are files", check_known_version},
    {"three migrate at once, each migration is applied once", check_migrate_at_once},
    {"a second migrate applies nothing", check_migrate_twice},
    {"a changed migration is refused", check_changed_file},
    {"gaps, doubles, renamed files, empty and missing folders are refused", check_bad_folders},
    {"a failing migration leaves nothing behind", check_failing_migration},
    {"a newer database is refused", check_newer_database},
    {"every statement prepares, and a changed schema is noticed", check_statements_prepare},
    {0},
};
