/* SPDX-License-Identifier: BSD-2-Clause */
#include "interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "vit/vit.h"

#define TEMPORARIES_MAX 16

static _Atomic(const char *) temporaries[TEMPORARIES_MAX];
#define USUAL "vit: interrupted; no unfinished file is left behind\n"

static _Atomic(const char *) message = USUAL;
static atomic_int held;
static atomic_bool pending;

void cli_remove_temporaries(void)
{
    for (size_t i = 0; i < TEMPORARIES_MAX; i++) {
        const char *path = atomic_exchange(&temporaries[i], NULL);
        if (path)
            unlink(path);
    }
}

_Noreturn void cli_give_up(int status)
{
    cli_remove_temporaries();
    _exit(status);
}

/* Only calls that are safe in a signal handler. */
static void leave(void)
{
    const char *line = atomic_load(&message);
    ssize_t ignored = write(STDERR_FILENO, line, strlen(line));
    (void)ignored;
    cli_give_up(CLI_INTERRUPTED);
}

static void on_signal(int number)
{
    (void)number;
    atomic_store(&pending, true);
    if (atomic_load(&held) == 0)
        leave();
}

void cli_interrupt_install(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct sigaction old;
    if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN) /* nohup means it */
        sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
    vit_catch_sigbus(NULL); /* a file of weights that shrinks is an error */
}

void cli_interrupt_say(const char *line)
{
    atomic_store(&message, line ? line : USUAL);
}

void cli_interrupt_hold(void)
{
    atomic_fetch_add(&held, 1);
}

void cli_interrupt_release(void)
{
    if (atomic_fetch_sub(&held, 1) == 1 && atomic_load(&pending))
        leave();
}

bool cli_temporary_remember(const char *path)
{
    for (size_t i = 0; i < TEMPORARIES_MAX; i++) {
        const char *empty = NULL;
        if (atomic_compare_exchange_strong(&temporaries[i], &empty, path))
            return true;
    }
    return false;
}

void cli_temporary_forget(const char *path)
{
    for (size_t i = 0; i < TEMPORARIES_MAX; i++) {
        const char *expected = path;
        if (atomic_compare_exchange_strong(&temporaries[i], &expected, NULL))
            return;
    }
}
