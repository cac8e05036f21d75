/* Sema programs inside of C programs. docs/embedding.md explains how to build the library and link with it.
 *
 * Rules:
 * - What a function named `..._new` or `..._load` or described as "the caller's" gives out is freed by the function
 *   of its type, once. Freeing NULL does nothing.
 * - Text is UTF-8. Names are C strings; other text is counted in bytes and needs no zero at its end. Text that comes
 *   out is followed by a zero that is not counted.
 * - A `sema_runtime` stays in the thread that made it. Programs may be shared between threads; values may move from
 *   one to another, but two threads must not use one at once.
 * - No function unwinds into C. A NULL where a pointer is needed is refused with an error, not followed. A defect of
 *   the library itself (a panic) is an error of kind SEMA_PANIC; when memory is exhausted the process ends.
 */
#ifndef SEMA_H
#define SEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sema_program sema_program; /* a compiled program */
typedef struct sema_options sema_options; /* what a runtime is made of */
typedef struct sema_runtime sema_runtime; /* runs programs */
typedef struct sema_value sema_value;     /* plain data, or a handle of anything else */
typedef struct sema_error sema_error;     /* why something failed */

/* --- errors --- */

typedef enum sema_error_kind {
    SEMA_ERROR = 0,  /* anything else: see the message */
    SEMA_RAISED = 1, /* a condition that the program did not catch */
    SEMA_EXITED = 2, /* the program ended itself by `exit` */
    SEMA_MISUSE = 3, /* NULL, an unknown name, text that is not UTF-8 */
    SEMA_PANIC = 4   /* a defect of the library; do not use the runtime any more */
} sema_error_kind;

/* Functions that take `sema_error **error` give NULL when they fail, and set `*error` to the reason, which is the
 * caller's. `error` may be NULL: then nobody is told why. If nothing fails `*error` is left alone. */

sema_error_kind sema_error_kind_of(const sema_error *error);
/* What happened. This and the texts below are valid as long as the error. */
const char *sema_error_message(const sema_error *error);
/* The condition's type (`type-error`, `permission-denied`, ...); "" unless SEMA_RAISED. */
const char *sema_error_type(const sema_error *error);
/* Message, frames with file, line and column, and the hint, as text of several lines. */
const char *sema_error_report(const sema_error *error);
/* The status; 0 unless SEMA_EXITED. */
int sema_error_status(const sema_error *error);
void sema_error_free(sema_error *error);

/* --- programs --- */

/* A module (`semac compile`), an executable (`semac build`) or the archive of one. The bytes are copied. */
sema_program *sema_program_load(const uint8_t *bytes, size_t length, sema_error **error);
void sema_program_free(sema_program *program);

/* --- values --- */

typedef enum sema_type {
    SEMA_NIL = 0,
    SEMA_BOOL = 1,
    SEMA_INT = 2,    /* fits int64_t */
    SEMA_BIGINT = 3, /* any other exact integer, as text: an optional `-` and decimal digits */
    SEMA_FLOAT = 4,
    SEMA_CHAR = 5,
    SEMA_STRING = 6,
    SEMA_KEYWORD = 7, /* as text: its name without the colon */
    SEMA_SYMBOL = 8,
    SEMA_BYTES = 9,
    SEMA_LIST = 10,
    SEMA_VECTOR = 11,
    SEMA_MAP = 12,   /* its items are keys and values in turn */
    SEMA_HANDLE = 13 /* a function, a record, anything else: it stays in its runtime */
} sema_type;

/* These give a value that is the caller's; NULL if text is not UTF-8, an item is NULL, or the type does not fit. */
sema_value *sema_nil(void);
sema_value *sema_bool(bool value);
sema_value *sema_int(int64_t value);
sema_value *sema_float(double value);
sema_value *sema_char(uint32_t code_point);
/* Of type SEMA_STRING, SEMA_KEYWORD, SEMA_SYMBOL or SEMA_BIGINT. */
sema_value *sema_text(sema_type type, const char *text, size_t length);
/* The string with the text of a C string. */
sema_value *sema_string(const char *text);
sema_value *sema_bytes(const uint8_t *bytes, size_t length);
/* A list, a vector, or a map (keys and values in turn), nested at most 500 deep. The items are copied and stay the
 * caller's. */
sema_value *sema_items(sema_type type, const sema_value *const *items, size_t count);
/* A copy; of a handle another reference. */
sema_value *sema_value_copy(const sema_value *value);
void sema_value_free(sema_value *value);

/* SEMA_NIL for NULL. */
sema_type sema_type_of(const sema_value *value);
/* What a value is; false, 0 or NULL if it is of another type. */
bool sema_as_bool(const sema_value *value);
int64_t sema_as_int(const sema_value *value);
double sema_as_float(const sema_value *value);
uint32_t sema_as_char(const sema_value *value);
/* Text or bytes; valid as long as the value. `length` may be NULL. There may be zeros inside. */
const char *sema_as_text(const sema_value *value, size_t *length);
/* Number of items of a list, vector or map (twice as many as entries); 0 of anything else. */
size_t sema_count(const sema_value *value);
/* One of them, valid as long as the value; NULL if there is none. */
const sema_value *sema_item(const sema_value *value, size_t index);
/* The value of a keyword in a map, valid as long as the map; NULL if there is none. */
const sema_value *sema_get(const sema_value *map, const char *keyword);

/* --- runtimes --- */

/* A function of the host. The arguments are valid during the call. It gives true and its result in `*result` (which
 * becomes the library's; if it is left alone: nil), or false and a string in `*result`, which becomes the message of an
 * `:eval` condition. It must not use or free the runtime that calls it, and must return: no longjmp, no C++ exception. */
typedef bool (*sema_function)(void *context, const sema_value *const *arguments, size_t count, sema_value **result);

/* Takes output of a program; false: it cannot be written. The same rules hold. */
typedef bool (*sema_writer)(void *context, const char *bytes, size_t length);

/* Nothing is granted, nothing limited, output goes to that of the process. */
sema_options *sema_options_new(void);
void sema_options_free(sema_options *options);
/* These give false if something is NULL or unknown. */
bool sema_options_function(sema_options *options, const char *name, uint8_t least, uint8_t most,
                           sema_function function, void *context);
/* `shell fs-read fs-write network env-read env-write process llm serial`, or `all`. */
bool sema_options_grant(sema_options *options, const char *capability);
bool sema_options_argument(sema_options *options, const char *argument);
bool sema_options_output(sema_options *options, sema_writer output, void *context);
bool sema_options_errors(sema_options *options, sema_writer errors, void *context);
/* For each run and each call; docs/embedding.md says what they reach. */
bool sema_options_limit_steps(sema_options *options, uint64_t steps);
bool sema_options_limit_time(sema_options *options, uint64_t milliseconds);
/* Bytes, for the program as a whole. */
bool sema_options_limit_heap(sema_options *options, size_t bytes);
bool sema_options_limit_stack(sema_options *options, size_t bytes);

/* The options stay the caller's: they may be freed or used again. What contexts point to must live as long as the
 * runtime. */
sema_runtime *sema_runtime_new(const sema_options *options, sema_error **error);
void sema_runtime_free(sema_runtime *runtime);

/* Runs the top level of a program, on a machine of its own; gives the value of its last form, which is the caller's. */
sema_value *sema_run(sema_runtime *runtime, const sema_program *program, sema_error **error);
/* Calls what the program exports under this name; the result is the caller's. */
sema_value *sema_call(sema_runtime *runtime, const char *name, const sema_value *const *arguments, size_t count,
                      sema_error **error);
/* The same for a function that the program gave out. */
sema_value *sema_call_value(sema_runtime *runtime, const sema_value *function, const sema_value *const *arguments,
                            size_t count, sema_error **error);

#ifdef __cplusplus
}
#endif

#endif
