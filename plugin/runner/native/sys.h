/* sys.h: the Linux kernel, as far as the native runner needs it, for x86_64 and aarch64.
 *
 * The runner is linked with nothing, not even a C library: so any compiler for the CPU builds it, and it runs in any
 * image. A call returns what the kernel does: a value, or minus an error number. All constants here are the kernel's
 * ABI and the same on both CPUs, but for the call numbers, O_DIRECTORY and struct sys_stat. */
#ifndef NATIVE_SYS_H
#define NATIVE_SYS_H

#include <stddef.h>
#include <stdint.h>

#if defined __x86_64__
#define SYS_NUMBER(x86_64, aarch64) x86_64
#define O_DIRECTORY                 0200000
#elif defined __aarch64__
#define SYS_NUMBER(x86_64, aarch64) aarch64
#define O_DIRECTORY                 040000
#else
#error "the native runner knows x86_64 and aarch64 only"
#endif

enum {
    NR_read = SYS_NUMBER(0, 63),
    NR_write = SYS_NUMBER(1, 64),
    NR_close = SYS_NUMBER(3, 57),
    NR_mmap = SYS_NUMBER(9, 222),
    NR_rt_sigaction = SYS_NUMBER(13, 134),
    NR_rt_sigprocmask = SYS_NUMBER(14, 135),
    NR_pread64 = SYS_NUMBER(17, 67),
    NR_pwrite64 = SYS_NUMBER(18, 68),
    NR_mremap = SYS_NUMBER(25, 216),
    NR_getpid = SYS_NUMBER(39, 172),
    NR_clone = SYS_NUMBER(56, 220),
    NR_execve = SYS_NUMBER(59, 221),
    NR_wait4 = SYS_NUMBER(61, 260),
    NR_kill = SYS_NUMBER(62, 129),
    NR_fcntl = SYS_NUMBER(72, 25),
    NR_getcwd = SYS_NUMBER(79, 17),
    NR_chdir = SYS_NUMBER(80, 49),
    NR_geteuid = SYS_NUMBER(107, 175),
    NR_getppid = SYS_NUMBER(110, 173),
    NR_setsid = SYS_NUMBER(112, 157),
    NR_prctl = SYS_NUMBER(157, 167),
    NR_getdents64 = SYS_NUMBER(217, 61),
    NR_clock_gettime = SYS_NUMBER(228, 113),
    NR_exit_group = SYS_NUMBER(231, 94),
    NR_inotify_add_watch = SYS_NUMBER(254, 27),
    NR_openat = SYS_NUMBER(257, 56),
    NR_mkdirat = SYS_NUMBER(258, 34),
    NR_newfstatat = SYS_NUMBER(262, 79),
    NR_unlinkat = SYS_NUMBER(263, 35),
    NR_faccessat = SYS_NUMBER(269, 48),
    NR_ppoll = SYS_NUMBER(271, 73),
    NR_signalfd4 = SYS_NUMBER(289, 74),
    NR_dup3 = SYS_NUMBER(292, 24),
    NR_pipe2 = SYS_NUMBER(293, 59),
    NR_inotify_init1 = SYS_NUMBER(294, 26),
    NR_memfd_create = SYS_NUMBER(319, 279),
};

enum {
    E_NOENT = -2,
    E_INTR = -4,
    E_NOEXEC = -8,
    E_AGAIN = -11,
    E_ACCES = -13,
    E_EXIST = -17,
    E_NOTDIR = -20
};

#define O_WRONLY   01
#define O_RDWR     02
#define O_CREAT    0100
#define O_EXCL     0200
#define O_TRUNC    01000
#define O_NONBLOCK 04000
#define O_CLOEXEC  02000000

#define AT_FDCWD            (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define F_OK                0
#define X_OK                1
#define F_SETFL             4
#define F_DUPFD_CLOEXEC     1030
#define S_IFMT              0170000
#define S_IFDIR             0040000

#define PROT_READ_WRITE 3
#define MAP_PRIVATE_NEW 0x22 /* private, anonymous */
#define MREMAP_MAYMOVE  1

#define SIGKILL 9
#define SIGCHLD 17

#define SIG_SETMASK 2

#define POLLIN  1
#define POLLOUT 4

#define WNOHANG                1
#define PR_SET_CHILD_SUBREAPER 36
#define CLOCK_REALTIME         0
#define CLOCK_MONOTONIC        1
#define IN_MODIFY              2

struct sys_timespec {
    int64_t sec;
    int64_t nsec;
};

struct sys_pollfd {
    int32_t fd;
    int16_t events;
    int16_t revents;
};

struct sys_sigaction {
    void *handler; /* NULL = as usual */
    uint64_t flags;
    void *restorer;
    uint64_t mask;
};

struct sys_stat {
    uint64_t dev;
    uint64_t ino;
#if defined __x86_64__
    uint64_t nlink;
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint32_t pad;
    uint64_t rdev;
#else
    uint32_t mode;
    uint32_t nlink;
    uint32_t uid;
    uint32_t gid;
    uint64_t rdev;
    uint64_t pad;
#endif
    int64_t size;
    int64_t blksize;
    int64_t blocks;
    struct sys_timespec atime;
    struct sys_timespec mtime;
    struct sys_timespec ctime;
    int64_t unused[3];
};

static inline long sys6(long call, long a, long b, long c, long d, long e, long f)
{
#if defined __x86_64__
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(call), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = call;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#endif
}

/* Arguments that are no longs: descriptors, counts, pointers. */
#define ARG(value) ((long)(value))

#define SYS0(name)                sys6(NR_##name, 0, 0, 0, 0, 0, 0)
#define SYS1(name, a)             sys6(NR_##name, ARG(a), 0, 0, 0, 0, 0)
#define SYS2(name, a, b)          sys6(NR_##name, ARG(a), ARG(b), 0, 0, 0, 0)
#define SYS3(name, a, b, c)       sys6(NR_##name, ARG(a), ARG(b), ARG(c), 0, 0, 0)
#define SYS4(name, a, b, c, d)    sys6(NR_##name, ARG(a), ARG(b), ARG(c), ARG(d), 0, 0)
#define SYS5(name, a, b, c, d, e) sys6(NR_##name, ARG(a), ARG(b), ARG(c), ARG(d), ARG(e), 0)

#endif
