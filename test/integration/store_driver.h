/* Harness of the store's checks: expectations, ready-made rows, and orders to the runner, which owns the database. */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include "store/store.h"

#include <pthread.h>

typedef struct Test {
    Store *store;
    const char *conninfo, *migrations; /* connection string; the project's folder of migrations */
    const char *scratch;               /* an empty folder */
    Error err;                         /* of the last call */
    char failure[2048];                /* first unmet expectation of this check */
} Test;

typedef struct Check {
    const char *name;
    void (*run)(Test *t);
} Check;

/* Ended by a row without a name. */
extern const Check schema_checks[], accept_checks[], lease_checks[], upkeep_checks[], fault_checks[];

void expect(Test *t, bool met, const char *what, const char *file, int line);
#define EXPECT(t, condition) expect((t), (condition), #condition, __FILE__, __LINE__)
/* A call that must be refused with this kind. */
#define EXPECT_KIND(t, call, wanted)                                                                                   \
    do {                                                                                                               \
        (t)->err = (Error){0};                                                                                         \
        bool done_ = (call);                                                                                           \
        expect((t), !done_ && (t)->err.kind == (wanted), #call " is " #wanted, __FILE__, __LINE__);                    \
    } while (0)

/* Orders the runner: "psql SQL", "kill", "start", "stop". Returns its answer (rows parted by ';'); the caller frees. */
char *ask(const char *format, ...) PRINTF_LIKE(1, 2);
void order(const char *format, ...) PRINTF_LIKE(1, 2);
/* Whether the rows of a query are `wanted`. */
void expect_rows(Test *t, const char *wanted, const char *sql, const char *file, int line);
#define EXPECT_ROWS(t, wanted, sql) expect_rows((t), (wanted), (sql), __FILE__, __LINE__)
/* Waits up to 5 s until a query answers `wanted`. */
bool wait_rows(const char *wanted, const char *sql);

/* Commits an instance in this state, with the namespace ns-ID. */
void put_instance(Test *t, const char *id, InstanceState state);
void put_binding(Test *t, const char *instance_id, const char *id, BindingState state);
/* Commits an operation; `ret_id` may be NULL. */
void put_operation(Test *t, OperationKind kind, const char *instance_id, const char *binding_id, char *ret_id);
/* The newest operation of an instance (binding_id NULL) or binding. */
bool last_operation(Test *t, const char *instance_id, const char *binding_id, Operation *ret);
/* Claims the only runnable operation. */
void claim(Test *t, const char *owner, Operation *ret);

#endif
