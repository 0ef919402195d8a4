/*
 * What the runtime needs of an operating system. One file for each implements it (os_linux.c,
 * os_wasm.c); CMakeLists.txt picks the file for a target.
 */
#ifndef CAMEO_RUNTIME_OS_H
#define CAMEO_RUNTIME_OS_H

#include <stdint.h>

/* Zeroed memory straight from the system, aligned to huge pages and asking for them; or NULL. */
void *cameo_os_pages(int64_t size);
void cameo_os_free_pages(void *pages, int64_t size);

/*
 * Asks for huge pages for what is mapped from a file. The system has them for a file that it has
 * not read yet, or that was written in pieces as large.
 */
void cameo_os_advise_pages(const void *data, int64_t size);

/* Maps a whole file read-only; NULL when it cannot be, or is empty. */
const uint8_t *cameo_os_map(const char *path, int64_t *size);
void cameo_os_unmap(const uint8_t *data, int64_t size);

/* Reads at most `capacity` bytes from the beginning of a file; -1 when there is no such file. */
int64_t cameo_os_read(const char *path, void *data, int64_t capacity);

/* The path of the running program, terminated; its length, or -1 when unknown or too long. */
int64_t cameo_os_program(char *path, int64_t capacity);

/* The path of the file that an address is mapped from, likewise. */
int64_t cameo_os_module(const void *address, char *path, int64_t capacity);

/* Whether the program has the functions that start threads. */
int32_t cameo_os_has_threads(void);
/* A thread that blocks the signals meant for the program. 0 when it could not be started. */
typedef uintptr_t cameo_os_thread;
int32_t cameo_os_start(cameo_os_thread *thread, void *(*function)(void *), void *argument);
void cameo_os_join(cameo_os_thread thread);

/* Sleeps until woken while *word is `expected`; may return early. */
void cameo_os_wait(uint32_t *word, uint32_t expected);
/* Wakes all that sleep on word. */
void cameo_os_wake(uint32_t *word);

/* Nanoseconds of a clock that only goes forward, -1 where there is none. */
int64_t cameo_os_clock(void);

/* A number that differs between a process and its forks. */
int32_t cameo_os_process(void);

/* CPUs that this process may keep busy: its affinity mask, cut to the quota of its control group.
 */
int32_t cameo_os_cpus(void);

/*
 * Asks that threads of this process may use tile registers (x86: AMX), whose contents the system
 * saves for those alone that ask; whether they may.
 */
int32_t cameo_os_ask_tiles(void);

/* An entry of the auxiliary vector; 0 when it could not be read. */
int32_t cameo_os_auxv(uint64_t entry, uint64_t *value);

#endif
