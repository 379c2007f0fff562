/* SPDX-License-Identifier: BSD-2-Clause */
#include "cpu.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

const vit__isa vit__isas[] = {
    {"c", 0},
    VIT__ON_X86_64({"avx2", VIT__CPU_AVX2}, {"avx_vnni", VIT__CPU_AVX2 | VIT__CPU_AVX_VNNI},
                   {"avx512", VIT__CPU_AVX2 | VIT__CPU_AVX512},
                   {"avx512_vnni", VIT__CPU_AVX2 | VIT__CPU_AVX512 | VIT__CPU_AVX512_VNNI},
                   {"avx512_bf16",
                    VIT__CPU_AVX2 | VIT__CPU_AVX512 | VIT__CPU_AVX512_VNNI | VIT__CPU_AVX512_BF16 | VIT__CPU_FAST_BF16},
                   {"amx", VIT__CPU_AVX2 | VIT__CPU_AVX512 | VIT__CPU_AVX512_VNNI | VIT__CPU_AVX512_BF16 |
                               VIT__CPU_FAST_BF16 | VIT__CPU_AMX | VIT__CPU_AMX_IN_C})
        VIT__ON_ARM_64({"neon", VIT__CPU_NEON}, {"dotprod", VIT__CPU_NEON | VIT__CPU_DOTPROD},
                       {"i8mm", VIT__CPU_NEON | VIT__CPU_DOTPROD | VIT__CPU_I8MM},
                       {"bf16", VIT__CPU_NEON | VIT__CPU_DOTPROD | VIT__CPU_I8MM | VIT__CPU_BF16})};
const size_t vit__isa_count = sizeof vit__isas / sizeof *vit__isas;

#if defined(__x86_64__)
static bool has_amx(void)
{
    enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, AMX_INT8 = 1 << 25 }; /* leaf 7, edx */
    enum { OSXSAVE = 1 << 27, XSTATE = 3 << 17 };                        /* leaf 1, ecx; XCR0: tiles and their shape */
    const unsigned all = AMX_BF16 | AMX_TILE | AMX_INT8;
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & OSXSAVE))
        return false;
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & XSTATE) != XSTATE)
        return false;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (edx & all) == all;
}

/* Before Linux 5.16 the call is not known, and a container's filter may refuse it: then there is no matrix unit. */
static bool ask_for_amx(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA) == 0;
}

/* Not all compilers' builtins know it. Its registers are AVX2's. */
static bool has_avx_vnni(void)
{
    enum { AVX_VNNI = 1 << 4 }; /* leaf 7, subleaf 1, eax */
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && eax >= 1 &&
           __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & AVX_VNNI);
}

/* The builtins look at the operating system's part too. */
static unsigned processor_flags(void)
{
    unsigned flags = 0;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        flags |= VIT__CPU_AVX2 | (has_avx_vnni() ? (unsigned)VIT__CPU_AVX_VNNI : 0u);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && flags)
        flags |= VIT__CPU_AVX512;
    if (!(flags & VIT__CPU_AVX512))
        return flags;
    if (__builtin_cpu_supports("avx512vnni"))
        flags |= VIT__CPU_AVX512_VNNI;
    if (__builtin_cpu_supports("avx512bf16"))
        flags |= VIT__CPU_AVX512_BF16 | (__builtin_cpu_is("intel") ? 0u : (unsigned)VIT__CPU_FAST_BF16);
    return flags | (has_amx() ? (unsigned)VIT__CPU_AMX : 0u);
}
#elif defined(__aarch64__)
static bool ask_for_amx(void)
{
    return false;
}

static unsigned processor_flags(void)
{
    static const struct {
        unsigned long kind, bit; /* of what the kernel tells a program */
        unsigned flag;
    } rows[] = {{AT_HWCAP, HWCAP_ASIMD, VIT__CPU_NEON},
                {AT_HWCAP, HWCAP_ASIMDDP, VIT__CPU_DOTPROD},
                {AT_HWCAP2, HWCAP2_I8MM, VIT__CPU_I8MM},
                {AT_HWCAP2, HWCAP2_BF16, VIT__CPU_BF16}};
    unsigned flags = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (getauxval(rows[i].kind) & rows[i].bit)
            flags |= rows[i].flag;
    return flags;
}
#else
static bool ask_for_amx(void)
{
    return false;
}

static unsigned processor_flags(void)
{
    return 0;
}
#endif

static vit__cpu here;

static void look(void)
{
    const unsigned all = processor_flags();
    here.flags = all;
    const char *isa = getenv("VIT_CPU");
    for (size_t i = 0; isa && i < vit__isa_count; i++)
        if (strcmp(isa, vit__isas[i].name) == 0 && vit__cpu_runs(all, &vit__isas[i]))
            here.flags = vit__cpu_allowed(all, &vit__isas[i]);
}

const vit__cpu *vit__cpu_here(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, look);
    return &here;
}

static bool amx_is_permitted;

static void ask(void)
{
    amx_is_permitted = ask_for_amx();
}

unsigned vit__cpu_permitted(unsigned flags)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (!vit__cpu_has(flags, VIT__CPU_AMX))
        return flags;
    pthread_once(&once, ask);
    return amx_is_permitted ? flags : flags & ~(unsigned)VIT__CPU_AMX;
}

/* ------------------------------------------------------------------ processors ---- */

/* Reads the first two numbers of a file; a first word "max" reads as -1. */
static bool read_numbers(const char *path, double numbers[2], int wanted)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    char text[128] = "";
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    if (strncmp(text, "max", 3) == 0) {
        numbers[0] = -1;
        return wanted == 1 || sscanf(text + 3, "%lf", &numbers[1]) == 1;
    }
    return sscanf(text, "%lf %lf", &numbers[0], &numbers[1]) >= wanted;
}

/* Whole processors that quota/period allows, rounded up; 0 = no limit. */
static unsigned quota_count(double quota, double period)
{
    if (!(quota > 0) || !(period > 0) || quota / period > 100000)
        return 0;
    unsigned whole = (unsigned)(quota / period);
    return whole + (quota / period > whole);
}

#define GROUP_SIZE 512

/* Whether a list of names with commas between them has this one. */
static bool is_listed(const char *name, const char *list, size_t length)
{
    for (;;) {
        const char *comma = memchr(list, ',', length);
        size_t first = comma ? (size_t)(comma - list) : length;
        if (first == strlen(name) && memcmp(list, name, first) == 0)
            return true;
        if (!comma)
            return false;
        list += first + 1;
        length -= first + 1;
    }
}

/* This process's groups, such as "/user.slice": in version 1's tree of processors, and in the tree of version 2. "": no
 * line names one. A line of the file is "4:cpu,cpuacct:/user.slice", or "0::/user.slice" for version 2. */
static void read_groups(char version_1[GROUP_SIZE], char version_2[GROUP_SIZE])
{
    FILE *file = fopen("/proc/self/cgroup", "r");
    char line[GROUP_SIZE];
    version_1[0] = version_2[0] = '\0';
    while (file && fgets(line, sizeof line, file)) {
        const char *list = strchr(line, ':'), *end = list ? strchr(list + 1, ':') : NULL;
        char *group = NULL;
        if (end == list + 1)
            group = version_2;
        else if (end && is_listed("cpu", list + 1, (size_t)(end - list - 1)))
            group = version_1;
        if (group)
            snprintf(group, GROUP_SIZE, "%.*s", (int)strcspn(end + 1, "\n"), end + 1);
    }
    if (file)
        fclose(file);
}

/* Microseconds that a group may compute, in so many microseconds. */
typedef bool quota_reader(const char *group, double numbers[2]);

static bool read_quota_2(const char *group, double numbers[2])
{
    char path[600];
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
    return read_numbers(path, numbers, 2);
}

static bool read_quota_1(const char *group, double numbers[2])
{
    char path[600];
    double period[2] = {0, 0};
    snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", group);
    if (!read_numbers(path, numbers, 1))
        return false;
    snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", group);
    bool found = read_numbers(path, period, 1);
    numbers[1] = period[0];
    return found;
}

/* The smallest quota on the way from the group up to the root. The path is cut short on the way.
 * In a container the root may be our group, and the path one of outside, which is not there. */
static unsigned smallest_quota(char *group, quota_reader *read)
{
    unsigned smallest = 0;
    if (strcmp(group, "/") == 0)
        group[0] = '\0';
    for (;;) {
        double numbers[2];
        unsigned count = read(group, numbers) ? quota_count(numbers[0], numbers[1]) : 0;
        if (count && (!smallest || count < smallest))
            smallest = count;
        char *slash = strrchr(group, '/');
        if (!slash)
            return smallest;
        *slash = '\0';
    }
}

/* Processors in the affinity mask, however many the machine has; a set of fixed size holds 1,024. */
static unsigned affinity_count(pthread_t thread)
{
    for (size_t most = CPU_SETSIZE; most <= CPU_SETSIZE * 64; most *= 4) {
        cpu_set_t *set = CPU_ALLOC(most);
        size_t size = CPU_ALLOC_SIZE(most);
        int failure = set ? pthread_getaffinity_np(thread, size, set) : ENOMEM;
        unsigned count = failure ? 1 : (unsigned)CPU_COUNT_S(size, set);
        CPU_FREE(set);
        if (failure != EINVAL) /* a larger set is wanted */
            return count;
    }
    return 1;
}

unsigned vit__cpu_count_of(pthread_t thread)
{
    unsigned count = affinity_count(thread);
    char version_1[GROUP_SIZE], version_2[GROUP_SIZE];
    read_groups(version_1, version_2);
    unsigned limits[2] = {smallest_quota(version_2, read_quota_2), smallest_quota(version_1, read_quota_1)};
    for (int i = 0; i < 2; i++)
        if (limits[i] && limits[i] < count)
            count = limits[i];
    return count ? count : 1;
}

unsigned vit__cpu_count(void)
{
    return vit__cpu_count_of(pthread_self());
}
