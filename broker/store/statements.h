/* Every SQL statement of the store, by name; each is prepared once per connection, when it is first used. */
#ifndef STORE_STATEMENTS_H
#define STORE_STATEMENTS_H

typedef enum StatementId {
    SQL_BEGIN,
    SQL_SCHEMA_VERSION,
    SQL_LOCK_INSTANCE,
    SQL_GET_INSTANCE,
    SQL_INSERT_INSTANCE,
    SQL_SET_INSTANCE_STATE,
    SQL_DELETE_INSTANCE,
    SQL_FIND_BINDING,
    SQL_GET_BINDING,
    SQL_INSERT_BINDING,
    SQL_SET_BINDING_STATE,
    SQL_DELETE_BINDING,
    SQL_INSERT_OPERATION,
    SQL_CANCEL_OPERATION,
    SQL_FAIL_BINDING_OPERATIONS,
    SQL_LAST_OPERATION,
    SQL_LAST_OPERATIONS,
    SQL_GET_OPERATION,
    SQL_BINDING_OPERATIONS_OPEN,
    SQL_CLAIM,
    SQL_NEXT_DUE,
    SQL_HEARTBEAT,
    SQL_STEP_BEGIN,
    SQL_STEP_DONE,
    SQL_AGAIN,
    SQL_DESCRIBE,
    SQL_FINISH,
    SQL_LET_GO,
    SQL_RELEASE_ALL,
    SQL_SECRET_PUT,
    SQL_SECRET_GET,
    STATEMENT_COUNT
} StatementId;

typedef struct Statement {
    const char *name, *sql;
} Statement;

extern const Statement statements[STATEMENT_COUNT];

#endif
