/* agent_seccomp.c: system calls that no command in a sandbox needs and that reach beyond it or deep into the kernel: keyrings
 * (which no namespace keeps apart), mounting, modules, eBPF and their like. They fail with EPERM, as they would for
 * want of rights in most cases; so does everything of another instruction set than ours, whose numbers differ. */
#include "agent.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined __x86_64__
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define OUR_ARCH AUDIT_ARCH_AARCH64
#else
#define OUR_ARCH 0 /* no filter */
#endif

static const int refused[] = {
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_setns,
    SYS_swapon,
    SYS_swapoff,
    SYS_reboot,
    SYS_kexec_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_acct,
    SYS_quotactl,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_open_by_handle_at,
    SYS_name_to_handle_at,
    SYS_syslog,
    SYS_vhangup,
#ifdef SYS_io_uring_setup
    SYS_io_uring_setup,
#endif
#ifdef SYS_move_mount
    SYS_move_mount,
    SYS_fsopen,
    SYS_fsmount,
    SYS_fsconfig,
    SYS_fspick,
    SYS_open_tree,
#endif
#ifdef SYS_pidfd_getfd
    SYS_pidfd_getfd,
#endif
};

enum { REFUSED = sizeof refused / sizeof *refused, LENGTH = REFUSED + 7 };

#define LOAD(field)                                                                                          \
    (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define REFUSE            (SECCOMP_RET_ERRNO | EPERM)
#define ANSWER(what)      (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, what)
#define IF(test, k, t, f) (struct sock_filter) BPF_JUMP(BPF_JMP | (test) | BPF_K, k, t, f)

int seccomp_refuse(void)
{
    struct sock_filter code[LENGTH];
    const struct sock_fprog program = {.len = LENGTH, .filter = code};
    size_t at = 0;
    if (OUR_ARCH == 0) return 0;
    code[at++] = LOAD(arch);
    code[at++] = IF(BPF_JEQ, OUR_ARCH, 1, 0);
    code[at++] = ANSWER(REFUSE);
    code[at++] = LOAD(nr);
    code[at++] = IF(BPF_JGE, 0x40000000, REFUSED + 1, 0); /* x86-64's second set of numbers (x32) */
    for (size_t i = 0; i < REFUSED; i++)
        code[at++] = IF(BPF_JEQ, (unsigned)refused[i], (unsigned char)(REFUSED - i), 0);
    code[at++] = ANSWER(SECCOMP_RET_ALLOW);
    code[at++] = ANSWER(REFUSE);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
