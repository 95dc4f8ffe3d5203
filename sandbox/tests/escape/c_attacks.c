/* Attacks without an interpreter: `attacks NAME` makes one attempt and prints what came of it, as `errno EPERM` or in words of
 * its own. What each must come to is in c_attacks.rs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Says how a call ended. */
static void tell(long result)
{
    if (result == -1)
        printf("errno %s\n", strerrorname_np(errno) ? strerrorname_np(errno) : "?");
    else
        printf("returned %ld\n", result);
}

#define CALL(...) tell(syscall(__VA_ARGS__))

static int a_pair(int sockets[2]) { return socketpair(AF_UNIX, SOCK_STREAM, 0, sockets); }

static void many_pipes(void)
{
    /* Pipes hold kernel memory; there are as many as there may be descriptors. */
    int ends[2], made = 0;
    while (pipe(ends) == 0)
        made++;
    printf("%s\n", made < 1024 && errno == EMFILE ? "bounded" : "unbounded");
}

static void many_directories(void)
{
    /* Each costs an inode of the scratch directory, of which there are few. */
    char name[32];
    long made = 0;
    do
        snprintf(name, sizeof name, "%ld", made);
    while (made++ < 1000000 && mkdir(name, 0700) == 0);
    printf("%s\n", made < 1000000 && errno == ENOSPC ? "bounded" : "unbounded");
}

static void fill_scratch(void)
{
    char name[32], block[65536] = {1};
    unsigned long written = 0;
    for (int file = 0; written < 4ul << 30; file++) {
        snprintf(name, sizeof name, "/tmp/f%d", file);
        int fd = open(name, O_CREAT | O_WRONLY, 0600);
        if (fd < 0)
            break;
        long got = 0;
        for (int i = 0; i < 256 && (got = write(fd, block, sizeof block)) > 0; i++)
            written += got;
        close(fd);
        if (got <= 0)
            break;
    }
    printf("%s\n", written <= 64ul << 20 && errno == ENOSPC ? "bounded" : "unbounded");
}

static void write_through_shared_mapping(void)
{
    /* A private page of a read-only file must never reach the file. */
    int fd = open("/usr/bin/true", O_RDONLY);
    tell((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
}

static void execute_mapped_scratch(void)
{
    int fd = open("/tmp/code", O_CREAT | O_RDWR, 0700);
    if (write(fd, "\xc3", 1) != 1 || ftruncate(fd, 4096))
        perror("write");
    tell((long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
}

static void by_the_loader(void)
{
    /* The dynamic loader as a program that executes another. */
    int from = open("/usr/bin/true", O_RDONLY), to = open("/tmp/true", O_CREAT | O_WRONLY, 0755);
    char buffer[65536];
    long got;
    while ((got = read(from, buffer, sizeof buffer)) > 0)
        if (write(to, buffer, got) != got)
            break;
    close(to);
    char *const arguments[] = {"ld", "/tmp/true", NULL}, *const none[] = {NULL};
    pid_t child = fork();
    if (child == 0) {
        execve("/lib64/ld-linux-x86-64.so.2", arguments, none);
        _exit(99);
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("%s\n", WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "executed" : "refused");
}

static void pass_descriptor(void)
{
    /* Between two of the run's own ends a descriptor may travel; it reaches nobody else. */
    int sockets[2], fd = open("/usr/bin/true", O_RDONLY);
    a_pair(sockets);
    char control[CMSG_SPACE(sizeof fd)] = {0}, byte = 0;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS, header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    tell(sendmsg(sockets[0], &message, 0) == 1 ? 0 : -1);
}

static void other_credentials(void)
{
    int sockets[2];
    a_pair(sockets);
    struct ucred lie = {1, 0, 0};
    char control[CMSG_SPACE(sizeof lie)] = {0}, byte = 0;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_CREDENTIALS, header->cmsg_len = CMSG_LEN(sizeof lie);
    memcpy(CMSG_DATA(header), &lie, sizeof lie);
    tell(sendmsg(sockets[0], &message, 0));
}

static void stay_alive_by_a_daemon(void)
{
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            signal(SIGTERM, SIG_IGN);
            sleep(100000);
        }
        _exit(0);
    }
    printf("left\n");
}

static void reach_parent_directories(void)
{
    int root = open("/", O_PATH | O_DIRECTORY);
    struct stat one, other;
    for (int i = 0; i < 64; i++)
        root = openat(root, "..", O_PATH | O_DIRECTORY);
    fstat(root, &one), stat("/", &other);
    printf("%s\n", one.st_ino == other.st_ino && one.st_dev == other.st_dev ? "the same root" : "another root");
}

static void what_is_in_dev(void)
{
    const char *names[] = {"kmsg", "kvm", "net/tun", "shm", "mqueue", "pts", "ptmx", "loop-control", "mapper/control", "vsock", "sda", "port"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        snprintf(path, sizeof path, "/dev/%s", names[i]);
        if (access(path, F_OK) == 0)
            printf("%s ", path);
    }
    printf("no more\n");
}

static void what_of_proc(void)
{
    const char *names[] = {"sys/kernel/core_pattern", "kcore", "sysrq-trigger", "kallsyms", "modules", "mounts", "interrupts", "1/root", "1/mem", "1/environ", "keys", "timer_list", "sched_debug", "self/mem", "bus", "irq", "acpi", "scsi", "fs"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%s", names[i]);
        int fd = open(path, strcmp(names[i], "mounts") == 0 ? O_RDONLY : O_RDWR);
        if (fd >= 0)
            printf("%s ", path), close(fd);
    }
    printf("no more\n");
}

/* Calls that must all be refused, whatever their arguments: every number that a run has no use for. */
static void all_refused(void)
{
    static const int numbers[] = {
        SYS_mknod, SYS_chown, SYS_fchown, SYS_lchown, SYS_fchownat, SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid,
        SYS_setresuid, SYS_setresgid, SYS_setfsuid, SYS_setfsgid, SYS_setgroups, SYS_capset, SYS_chroot, SYS_sethostname,
        SYS_setdomainname, SYS_syslog, SYS_vhangup, SYS_adjtimex, SYS_clock_settime, SYS_clock_adjtime, SYS_personality,
        SYS_setpriority, SYS_sched_setscheduler, SYS_sched_setattr, SYS_sched_setaffinity, SYS_ioprio_set, SYS_mlock, SYS_mlockall,
        SYS_mbind, SYS_set_mempolicy, SYS_migrate_pages, SYS_move_pages, SYS_remap_file_pages, SYS_splice, SYS_tee, SYS_vmsplice,
        SYS_inotify_init1, SYS_fanotify_init, SYS_name_to_handle_at, SYS_memfd_create, SYS_memfd_secret, SYS_execveat,
        SYS_pidfd_send_signal, SYS_pidfd_getfd, SYS_process_madvise, SYS_process_mrelease, SYS_rt_sigqueueinfo,
        SYS_rt_tgsigqueueinfo, SYS_timer_create, SYS_mq_open, SYS_shmget, SYS_semget, SYS_msgget, SYS_socket, SYS_bind, SYS_connect,
        SYS_listen, SYS_accept4, SYS_setxattr, SYS_landlock_create_ruleset, SYS_landlock_restrict_self, SYS_seccomp, SYS_openat2,
        SYS_io_setup, SYS_signalfd4, SYS_sync, SYS_syncfs, SYS_lookup_dcookie, SYS_uselib, SYS_ustat, SYS_sysfs,
    };
    int wrong = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        errno = 0;
        if (syscall(numbers[i], 0, 0, 0, 0, 0, 0) != -1 || (errno != EPERM && errno != ENOSYS)) {
            printf("call %d: %s ", numbers[i], strerrorname_np(errno));
            wrong++;
        }
    }
    printf("%s\n", wrong ? "some were not" : "all were");
}

struct attack {
    const char *name;
    void (*attempt)(void);
};

#define ATTEMPT(name, ...) static void name(void) { __VA_ARGS__; }

ATTEMPT(pair_of_netlink, int s[2]; tell(socketpair(AF_NETLINK, SOCK_RAW, 0, s)))
ATTEMPT(pair_of_vsock, int s[2]; tell(socketpair(40, SOCK_STREAM, 0, s)))
ATTEMPT(filter_on_a_socket, int s[2]; a_pair(s); char program[16] = {0}; tell(setsockopt(s[0], SOL_SOCKET, 26, program, sizeof program)))
ATTEMPT(peer_process_by_descriptor, int s[2], fd; socklen_t n = sizeof fd; a_pair(s); tell(getsockopt(s[0], SOL_SOCKET, 77, &fd, &n)))
ATTEMPT(peer_credentials, int s[2]; struct ucred c; socklen_t n = sizeof c; a_pair(s); tell(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &c, &n)))
ATTEMPT(pass_process_descriptors, int s[2], on = 1; a_pair(s); tell(setsockopt(s[0], SOL_SOCKET, 76, &on, sizeof on)))
ATTEMPT(larger_pipe, int p[2]; if (pipe(p)) return; tell(fcntl(p[0], F_SETPIPE_SZ, 1 << 20)))
ATTEMPT(lease, int fd = open("/tmp/x", O_CREAT | O_RDWR, 0600); tell(fcntl(fd, F_SETLEASE, F_WRLCK)))
ATTEMPT(notify_directory, int fd = open("/tmp", O_RDONLY); tell(fcntl(fd, F_NOTIFY, 0x1f)))
ATTEMPT(owner_of_signals, int p[2]; if (pipe(p)) return; tell(fcntl(p[0], F_SETOWN, 1)))
ATTEMPT(merge_pages, char *m = mmap(0, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); tell(madvise(m, 8192, 12)))
ATTEMPT(evict_pages, int fd = open("/usr/bin/true", O_RDONLY); char *m = mmap(0, 4096, 1, MAP_PRIVATE, fd, 0); tell(madvise(m, 4096, 21)))
ATTEMPT(poison_memory, char *m = mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); tell(madvise(m, 4096, 100)))
ATTEMPT(new_thread_name_space, CALL(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0))
ATTEMPT(high_bits_of_clone, CALL(SYS_clone, 0x7e02000000020000ul | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0))
ATTEMPT(high_bits_of_ioctl, CALL(SYS_ioctl, 0, 0xffffffff00005412ul, "x"))
ATTEMPT(unwind_seccomp, tell(prctl(PR_SET_SECCOMP, 0, 0, 0, 0)))
ATTEMPT(second_filter, tell(prctl(PR_SET_SECCOMP, 2, 0, 0, 0)))
ATTEMPT(privileges_again, tell(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0)))
ATTEMPT(keep_capabilities, tell(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)))
ATTEMPT(ambient_capability, tell(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0)))
ATTEMPT(allow_a_tracer, tell(prctl(PR_SET_PTRACER, -1, 0, 0, 0)))
ATTEMPT(dumpable, tell(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)))
ATTEMPT(reap_for_others, tell(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)))
ATTEMPT(change_memory_map, tell(prctl(PR_SET_MM, 1, 0, 0, 0)))
ATTEMPT(survive_the_parent, tell(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)))
ATTEMPT(speculation, tell(prctl(53, 0, 2, 0, 0)))
ATTEMPT(limits_of_all, struct rlimit l = {1, 1}; CALL(SYS_prlimit64, 1, RLIMIT_CPU, &l, 0))
ATTEMPT(set_user_id_file, int fd = open("/tmp/s", O_CREAT | O_RDWR, 0700); struct statfs f; fchmod(fd, 04755); fstatfs(fd, &f); printf("%s\n", f.f_flags & 2 ? "void" : "counts"))
ATTEMPT(device_in_scratch, tell(mknod("/tmp/d", S_IFCHR | 0600, 0x103)))
ATTEMPT(pipe_file, tell(mkfifo("/tmp/p", 0600)))
ATTEMPT(link_to_system, tell(link("/usr/bin/true", "/tmp/true")))
ATTEMPT(rename_over_system, int fd = open("/tmp/x", O_CREAT | O_RDWR, 0600); close(fd); tell(rename("/tmp/x", "/etc/passwd")))
ATTEMPT(link_out, tell(symlink("/../../etc/shadow", "/tmp/l")); tell(open("/tmp/l", O_RDONLY)))
ATTEMPT(core_file, struct rlimit l; getrlimit(RLIMIT_CORE, &l); printf("%lu\n", (unsigned long)l.rlim_max))
ATTEMPT(real_time, struct sched_param p = {1}; tell(sched_setscheduler(0, SCHED_FIFO, &p)))
ATTEMPT(system_v_x86, tell(syscall(0x40000000 + 1, 1, "x", 1)))
ATTEMPT(negative_number, tell(syscall(-1)))
ATTEMPT(vsyscall_of_old, int status = 0; if (fork() == 0) { ((long (*)(void *))0xffffffffff600400)(0); _exit(0); } wait(&status); printf("alive\n"))
ATTEMPT(ignore_kill, tell((long)signal(SIGKILL, SIG_IGN)))
ATTEMPT(urgent_data, int s[2]; a_pair(s); tell(send(s[0], "x", 1, MSG_OOB)))
ATTEMPT(priority_inheritance, int word = 0; CALL(SYS_futex, &word, FUTEX_LOCK_PI, 0, NULL, NULL, 0))
ATTEMPT(requeue_to_priority_inheritance, int word = 0; int other = 0; CALL(SYS_futex, &word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, 1, &other, 0))
ATTEMPT(interrupt_every_processor, CALL(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0))
ATTEMPT(drop_pages_of_a_file, int fd = open("/usr/bin/true", O_RDONLY); CALL(SYS_fadvise64, fd, 0, 0, POSIX_FADV_DONTNEED))
ATTEMPT(processor_feature_by_request, CALL(SYS_arch_prctl, 0x1023, 18))
ATTEMPT(robust_list_of_another, void *head; size_t size; CALL(SYS_get_robust_list, 1, &head, &size))
ATTEMPT(kill_the_first, tell(kill(1, SIGKILL)); printf("alive\n"))
ATTEMPT(processes_of_others, int found = 0; for (int p = 64; p < 32768; p++) found += kill(p, 0) == 0 || errno != ESRCH; printf("%d\n", found))

static const struct attack attacks[] = {
#define A(name) {#name, name}
    A(many_pipes), A(many_directories), A(fill_scratch), A(write_through_shared_mapping), A(execute_mapped_scratch), A(by_the_loader),
    A(pass_descriptor), A(other_credentials), A(stay_alive_by_a_daemon), A(reach_parent_directories), A(what_is_in_dev),
    A(what_of_proc), A(all_refused), A(pair_of_netlink), A(pair_of_vsock), A(filter_on_a_socket), A(peer_process_by_descriptor),
    A(peer_credentials), A(pass_process_descriptors), A(larger_pipe), A(lease), A(notify_directory), A(owner_of_signals),
    A(merge_pages), A(evict_pages), A(poison_memory), A(new_thread_name_space), A(high_bits_of_clone), A(high_bits_of_ioctl),
    A(unwind_seccomp), A(second_filter), A(privileges_again), A(keep_capabilities), A(ambient_capability), A(allow_a_tracer),
    A(dumpable), A(reap_for_others), A(change_memory_map), A(survive_the_parent), A(speculation), A(limits_of_all),
    A(set_user_id_file), A(device_in_scratch), A(pipe_file), A(link_to_system), A(rename_over_system), A(link_out), A(core_file),
    A(real_time), A(system_v_x86), A(negative_number), A(vsyscall_of_old), A(ignore_kill), A(kill_the_first), A(processes_of_others), A(urgent_data),
    A(priority_inheritance), A(requeue_to_priority_inheritance), A(interrupt_every_processor), A(drop_pages_of_a_file),
    A(processor_feature_by_request), A(robust_list_of_another),
};

int main(int count, char **arguments)
{
    for (size_t i = 0; count == 2 && i < sizeof attacks / sizeof *attacks; i++)
        if (strcmp(attacks[i].name, arguments[1]) == 0) {
            setvbuf(stdout, NULL, _IONBF, 0);
            attacks[i].attempt();
            return 0;
        }
    return 64;
}
