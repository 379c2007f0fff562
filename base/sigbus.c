/* SPDX-License-Identifier: BSD-2-Clause */
#include "sigbus.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"

#define BLOCK_MAPPINGS 64

/* A row of the table that the handler reads. It takes no lock: start is written last, and cleared first. */
struct vit__guarded {
    atomic_bool taken;
    atomic_uintptr_t start, end; /* of whole pages; start 0: none */
    atomic_bool torn;
};

typedef struct block {
    vit__guarded mappings[BLOCK_MAPPINGS];
    _Atomic(struct block *) next;
} block;

static block first_block; /* further ones stay: the handler may be reading them */
static pthread_mutex_t growing = PTHREAD_MUTEX_INITIALIZER;

static uintptr_t page_size;
static struct sigaction previous;

/* ------------------------------------------------------------------ the table ---- */

static vit__guarded *take(block *b)
{
    for (size_t i = 0; i < BLOCK_MAPPINGS; i++) {
        bool taken = false;
        if (atomic_compare_exchange_strong(&b->mappings[i].taken, &taken, true))
            return &b->mappings[i];
    }
    return NULL;
}

/* The block behind this one, which is made if there is none. */
static block *following(block *b)
{
    pthread_mutex_lock(&growing);
    block *next = atomic_load(&b->next);
    if (!next) {
        next = vit__alloc_zero(1, sizeof *next);
        atomic_store(&b->next, next);
    }
    pthread_mutex_unlock(&growing);
    return next;
}

vit__guarded *vit__guard(const void *data, size_t size)
{
    vit__guarded *g = NULL;
    for (block *b = &first_block; b && !g; b = g ? b : following(b))
        g = take(b);
    if (!g)
        return NULL;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)data;
    atomic_store(&g->torn, false);
    atomic_store(&g->end, start + (size + page - 1) / page * page);
    atomic_store(&g->start, start);
    return g;
}

void vit__unguard(vit__guarded *guarded)
{
    if (!guarded)
        return;
    atomic_store(&guarded->start, 0);
    atomic_store(&guarded->taken, false);
}

bool vit__guarded_torn(const vit__guarded *guarded)
{
    return guarded && atomic_load(&guarded->torn);
}

static vit__guarded *find(uintptr_t address)
{
    for (block *b = &first_block; b; b = atomic_load(&b->next))
        for (size_t i = 0; i < BLOCK_MAPPINGS; i++) {
            uintptr_t start = atomic_load(&b->mappings[i].start);
            if (start && address >= start && address < atomic_load(&b->mappings[i].end))
                return &b->mappings[i];
        }
    return NULL;
}

/* ------------------------------------------------------------------ the handler ---- */

/* Zeros from the page of the address to the end of its mapping. mmap is no more than a system call here. */
static bool mend(uintptr_t address)
{
    vit__guarded *g = find(address);
    if (!g)
        return false;
    uintptr_t page = address / page_size * page_size;
    atomic_store(&g->torn, true);
    return mmap((void *)page, atomic_load(&g->end) - page, PROT_READ,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED;
}

/* As if there were no handler here. What the processor raised is raised again when this one returns. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(number, info, context);
        return;
    }
    if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(number);
        return;
    }
    bool sent = info->si_code <= 0; /* by kill() */
    if (sent && previous.sa_handler == SIG_IGN)
        return;
    signal(number, SIG_DFL);
    if (sent)
        raise(number);
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
    int kept = errno;
    if (info->si_code <= 0 || !mend((uintptr_t)info->si_addr))
        pass_on(number, info, context);
    errno = kept;
}

vit_status vit__sigbus_catch(vit_error *err)
{
    static bool caught;
    struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    int error = 0;
    sigemptyset(&action.sa_mask);
    pthread_mutex_lock(&growing);
    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    /* The one that was there is known before this one can be called. */
    if (!caught && (sigaction(SIGBUS, NULL, &previous) != 0 || sigaction(SIGBUS, &action, NULL) != 0))
        error = errno;
    caught = caught || !error;
    pthread_mutex_unlock(&growing);
    return error ? vit__fail_errno(err, "SIGBUS", "cannot be caught", error) : VIT_OK;
}

void vit__signals_block(sigset_t *before)
{
    static const int raised[] = {SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
    sigset_t blocked;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof raised / sizeof *raised; i++)
        sigdelset(&blocked, raised[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, before);
}
