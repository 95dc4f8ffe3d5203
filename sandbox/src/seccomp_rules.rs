//! The seccomp policy as data: which system calls a run may make, and why.
//!
//! What has no rule is refused with EPERM, which programs handle. `Kill` is for calls that no honest
//! program makes: an attempt is an attack, and the run ends with that as its cause. A rule that needs
//! no reason beyond "programs compute and handle files" is grouped under that heading.

use crate::policy::Processes;

/// The newest call that was considered (Linux 6.18); later ones answer ENOSYS.
pub(crate) const LAST_KNOWN_CALL: u32 = 469;

/// One call and what becomes of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) number: libc::c_long,
    pub(crate) answer: Answer,
    /// In which runs the rule holds; `None` is in all.
    pub(crate) applies: Option<Processes>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers and for the tests"))]
    pub(crate) reason: &'static str,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Allow,
    /// Allowed if the check holds, else EPERM.
    AllowIf(Check),
    Refuse(i32),
    /// Says that it was done, and does nothing.
    Pretend,
    Kill,
}

/// A condition on the low 32 bits of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    OneOf { argument: u32, values: &'static [u32] },
    NoneSet { argument: u32, mask: u32 },
    AllSet { argument: u32, mask: u32 },
    NotAllSet { argument: u32, mask: u32 },
}

const fn allow(number: libc::c_long, reason: &'static str) -> Rule {
    Rule { number, answer: Answer::Allow, applies: None, reason }
}

const fn allow_if(number: libc::c_long, check: Check, reason: &'static str) -> Rule {
    Rule { number, answer: Answer::AllowIf(check), applies: None, reason }
}

const fn refuse(number: libc::c_long, errno: i32, reason: &'static str) -> Rule {
    Rule { number, answer: Answer::Refuse(errno), applies: None, reason }
}

const fn pretend(number: libc::c_long, reason: &'static str) -> Rule {
    Rule { number, answer: Answer::Pretend, applies: None, reason }
}

const fn kill(number: libc::c_long, reason: &'static str) -> Rule {
    Rule { number, answer: Answer::Kill, applies: None, reason }
}

impl Rule {
    const fn only(mut self, processes: Processes) -> Self {
        self.applies = Some(processes);
        self
    }
}

const NEW_NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u32;

/// Reading a terminal's state, and the descriptor flags that libuv sets by ioctl. TIOCSTI, which types
/// into the terminal of the caller, is the reason for a list.
const HARMLESS_IOCTLS: &[u32] =
    &[libc::TCGETS as u32, libc::TIOCGWINSZ as u32, libc::FIONREAD as u32, libc::FIONBIO as u32, libc::FIOCLEX as u32];

const HARMLESS_PRCTLS: &[u32] = &[
    libc::PR_SET_NAME as u32,
    libc::PR_GET_NAME as u32,
    libc::PR_GET_DUMPABLE as u32,
    // V8 and malloc name their mappings.
    0x5356_4d41,
    libc::PR_CAPBSET_READ as u32,
    libc::PR_GET_NO_NEW_PRIVS as u32,
];

/// Advice about one's own memory. Not among it: merging equal pages, and reclaiming pages of files, by which runs could tell what
/// others hold.
const HARMLESS_ADVICE: &[u32] = &[
    libc::MADV_NORMAL as u32,
    libc::MADV_RANDOM as u32,
    libc::MADV_SEQUENTIAL as u32,
    libc::MADV_WILLNEED as u32,
    libc::MADV_DONTNEED as u32,
    libc::MADV_FREE as u32,
    libc::MADV_DONTFORK as u32,
    libc::MADV_DOFORK as u32,
    libc::MADV_HUGEPAGE as u32,
    libc::MADV_NOHUGEPAGE as u32,
    libc::MADV_DONTDUMP as u32,
    libc::MADV_DODUMP as u32,
    libc::MADV_POPULATE_READ as u32,
    libc::MADV_POPULATE_WRITE as u32,
    // MADV_COLLAPSE
    25,
];

/// Not among it: larger pipes, leases, signals about files, seals.
const HARMLESS_FILE_CONTROL: &[u32] = &[
    libc::F_DUPFD as u32,
    libc::F_DUPFD_CLOEXEC as u32,
    libc::F_GETFD as u32,
    libc::F_SETFD as u32,
    libc::F_GETFL as u32,
    libc::F_SETFL as u32,
    libc::F_GETLK as u32,
    libc::F_SETLK as u32,
    libc::F_SETLKW as u32,
    libc::F_OFD_GETLK as u32,
    libc::F_OFD_SETLK as u32,
    libc::F_OFD_SETLKW as u32,
    libc::F_GETPIPE_SZ as u32,
];

/// What libuv and Python ask of a socket that they are given. Not among it: who is on the other side, as credentials or as a
/// descriptor of that process.
const HARMLESS_SOCKET_QUESTIONS: &[u32] = &[
    libc::SO_TYPE as u32,
    libc::SO_ERROR as u32,
    libc::SO_SNDBUF as u32,
    libc::SO_RCVBUF as u32,
    libc::SO_ACCEPTCONN as u32,
    libc::SO_PROTOCOL as u32,
    libc::SO_DOMAIN as u32,
];

/// Not among it: filter programs, and credentials or descriptors of the other side.
const HARMLESS_SOCKET_OPTIONS: &[u32] = &[
    libc::SO_SNDBUF as u32,
    libc::SO_RCVBUF as u32,
    libc::SO_RCVTIMEO as u32,
    libc::SO_SNDTIMEO as u32,
    libc::SO_LINGER as u32,
];

/// Advice about reading ahead. Not among it: dropping a file's pages, which are everybody's, from memory.
const HARMLESS_READ_AHEAD: &[u32] = &[
    libc::POSIX_FADV_NORMAL as u32,
    libc::POSIX_FADV_RANDOM as u32,
    libc::POSIX_FADV_SEQUENTIAL as u32,
    libc::POSIX_FADV_WILLNEED as u32,
    libc::POSIX_FADV_NOREUSE as u32,
];

/// Barriers between one's own threads. Not among it: those that interrupt the processors of others.
const OWN_BARRIERS: &[u32] = &[
    libc::MEMBARRIER_CMD_QUERY as u32,
    libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED as u32,
    libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED as u32,
    libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE as u32,
    libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE as u32,
];

const FUTEX_PRIVATE: u32 = libc::FUTEX_PRIVATE_FLAG as u32;
const FUTEX_CLOCK: u32 = libc::FUTEX_CLOCK_REALTIME as u32;

/// The operations that locks of the C library, of V8 and of CPython are made of, the frequent ones first. Not among it: priority
/// inheritance, by which more than one kernel was taken over.
const FUTEX_OPERATIONS: &[u32] = &[
    libc::FUTEX_WAKE as u32 | FUTEX_PRIVATE,
    libc::FUTEX_WAIT as u32 | FUTEX_PRIVATE,
    libc::FUTEX_WAIT_BITSET as u32 | FUTEX_PRIVATE,
    libc::FUTEX_WAIT_BITSET as u32 | FUTEX_PRIVATE | FUTEX_CLOCK,
    libc::FUTEX_WAKE_BITSET as u32 | FUTEX_PRIVATE,
    libc::FUTEX_WAKE_OP as u32 | FUTEX_PRIVATE,
    libc::FUTEX_REQUEUE as u32 | FUTEX_PRIVATE,
    libc::FUTEX_CMP_REQUEUE as u32 | FUTEX_PRIVATE,
    libc::FUTEX_WAKE as u32,
    libc::FUTEX_WAIT as u32,
    libc::FUTEX_WAIT_BITSET as u32,
    libc::FUTEX_WAIT_BITSET as u32 | FUTEX_CLOCK,
    libc::FUTEX_WAKE_BITSET as u32,
    libc::FUTEX_WAKE_OP as u32,
    libc::FUTEX_REQUEUE as u32,
    libc::FUTEX_CMP_REQUEUE as u32,
];

/// What the C library does with the thread pointer. Not among it: processor features that have to be asked for.
#[cfg(target_arch = "x86_64")]
const THREAD_POINTER: &[u32] = &[0x1002, 0x1003];

/// What a zygote needs to put its children into their sandboxes. The children take it away from themselves.
pub(crate) const ZYGOTE_RULES: &[Rule] = &[
    allow(libc::SYS_clone3, "makes a child with its namespaces in one call"),
    allow(libc::SYS_mount, "a scratch directory for each child"),
    allow(libc::SYS_prctl, "empties a child's capabilities"),
    allow(libc::SYS_capset, "empties a child's capabilities"),
    allow(libc::SYS_landlock_create_ruleset, "restricts a child"),
    allow(libc::SYS_landlock_add_rule, "restricts a child"),
    allow(libc::SYS_landlock_restrict_self, "restricts a child"),
    allow(libc::SYS_seccomp, "restricts a child"),
    allow(libc::SYS_setsid, "a child in the zygote's process group could signal it"),
    allow(libc::SYS_sendmsg, "tells of a child, with its descriptor"),
    allow(libc::SYS_recvmsg, "is told of a child to make, with its descriptors"),
];

/// What a child of a zygote loses beside [`ZYGOTE_RULES`].
pub(crate) const FORKED_RULES: &[Rule] = &[refuse(libc::SYS_execve, libc::EPERM, "the interpreter runs already")];

/// Every rule that is not the default.
pub(crate) const RULES: &[Rule] = &[
    // Memory.
    allow(libc::SYS_brk, "malloc grows the heap"),
    allow_if(
        libc::SYS_mmap,
        Check::NotAllSet { argument: 3, mask: (libc::MAP_SHARED | libc::MAP_ANONYMOUS) as u32 },
        "memory and libraries; shared anonymous memory is counted by no rlimit, so it is refused where one process is all there is",
    )
    .only(Processes::ThreadsOnly),
    allow(libc::SYS_mmap, "memory and libraries; children may share memory").only(Processes::Allowed),
    allow(libc::SYS_munmap, "gives memory back"),
    allow(libc::SYS_mremap, "realloc of large blocks"),
    allow(libc::SYS_mprotect, "the loader and V8's JIT change protections"),
    allow_if(
        libc::SYS_madvise,
        Check::OneOf { argument: 2, values: HARMLESS_ADVICE },
        "allocators give pages back",
    ),
    allow(libc::SYS_mincore, "stack probing of language runtimes"),
    allow(libc::SYS_msync, "flushes a mapped file of the scratch directory"),
    allow_if(
        libc::SYS_membarrier,
        Check::OneOf { argument: 0, values: OWN_BARRIERS },
        "V8 orders code patching between threads",
    ),
    allow(libc::SYS_pkey_alloc, "V8 protects its code pages with memory keys"),
    allow(libc::SYS_pkey_free, "the end of a memory key"),
    allow(libc::SYS_pkey_mprotect, "V8 protects its code pages with memory keys"),
    // Files. Which of them is decided by the root, its read-only mounts and landlock.
    allow(libc::SYS_read, "files, pipes, the channel"),
    allow(libc::SYS_write, "files, pipes, the channel"),
    allow(libc::SYS_readv, "scattered reads of libuv"),
    allow(libc::SYS_writev, "gathered writes of libuv and stdio"),
    allow(libc::SYS_pread64, "reads of the ELF loader and of fs.read"),
    allow(libc::SYS_pwrite64, "positioned writes of fs.write"),
    allow(libc::SYS_preadv, "positioned scattered reads"),
    allow(libc::SYS_pwritev, "positioned gathered writes"),
    allow(libc::SYS_lseek, "moves in a file"),
    allow(libc::SYS_openat, "opens files; the tree decides which"),
    allow(libc::SYS_close, "closes descriptors"),
    allow(libc::SYS_close_range, "Python closes descriptors before it executes"),
    allow(libc::SYS_newfstatat, "stat of the C library"),
    allow(libc::SYS_fstat, "stat of an open file"),
    allow(libc::SYS_statx, "stat of libuv"),
    allow(libc::SYS_statfs, "size of the scratch directory"),
    allow(libc::SYS_fstatfs, "size of the scratch directory"),
    allow(libc::SYS_faccessat, "access checks"),
    allow(libc::SYS_faccessat2, "access checks of newer C libraries"),
    allow(libc::SYS_readlinkat, "realpath"),
    allow(libc::SYS_getdents64, "lists directories"),
    allow(libc::SYS_mkdirat, "directories in the scratch directory"),
    allow(libc::SYS_unlinkat, "removes in the scratch directory"),
    allow(libc::SYS_renameat, "renames in the scratch directory"),
    allow(libc::SYS_renameat2, "renames in the scratch directory"),
    allow(libc::SYS_linkat, "hard links in the scratch directory"),
    allow(libc::SYS_symlinkat, "links in the scratch directory"),
    allow(libc::SYS_ftruncate, "shortens an open file"),
    allow(libc::SYS_truncate, "shortens a file"),
    allow(libc::SYS_fallocate, "reserves space in a file"),
    allow(libc::SYS_fsync, "durability of a writable folder").only(Processes::Allowed),
    allow(libc::SYS_fdatasync, "durability of a writable folder").only(Processes::Allowed),
    pretend(libc::SYS_fsync, "scratch is memory; of a read-only file it would have the host's disk flushed").only(Processes::ThreadsOnly),
    pretend(libc::SYS_fdatasync, "scratch is memory; of a read-only file it would have the host's disk flushed").only(Processes::ThreadsOnly),
    allow(libc::SYS_flock, "locks between a program's own processes; also of files that others have").only(Processes::Allowed),
    allow_if(
        libc::SYS_fcntl,
        Check::OneOf { argument: 1, values: HARMLESS_FILE_CONTROL },
        "descriptor flags, duplicates, file locks",
    ),
    allow(libc::SYS_fchmod, "modes in the scratch directory; no_new_privs makes set-user-id void"),
    allow(libc::SYS_fchmodat, "modes in the scratch directory"),
    allow(libc::SYS_utimensat, "times in the scratch directory"),
    allow(libc::SYS_umask, "programs set their umask"),
    allow_if(
        libc::SYS_fadvise64,
        Check::OneOf { argument: 3, values: HARMLESS_READ_AHEAD },
        "Python's and coreutils' read-ahead advice",
    ),
    allow(libc::SYS_copy_file_range, "copies files"),
    allow(libc::SYS_sendfile, "copies files").only(Processes::Allowed),
    refuse(
        libc::SYS_sendfile,
        libc::EINVAL,
        "puts pages of files into pipes, where one kernel let them be written to; libuv and Python copy by hand then",
    )
    .only(Processes::ThreadsOnly),
    allow(libc::SYS_getcwd, "where am I"),
    allow(libc::SYS_chdir, "moves in the tree"),
    allow(libc::SYS_fchdir, "moves in the tree"),
    // Descriptors that wait.
    allow(libc::SYS_pipe2, "pipes of libuv and of shells"),
    allow(libc::SYS_dup, "duplicates descriptors"),
    allow(libc::SYS_dup3, "duplicates descriptors"),
    allow(libc::SYS_eventfd2, "libuv wakes its loop"),
    allow(libc::SYS_epoll_create1, "the event loop"),
    allow(libc::SYS_epoll_ctl, "the event loop"),
    allow(libc::SYS_epoll_pwait, "the event loop"),
    allow(libc::SYS_epoll_pwait2, "the event loop with nanoseconds"),
    allow(libc::SYS_ppoll, "waits for descriptors"),
    allow(libc::SYS_pselect6, "waits for descriptors"),
    allow(libc::SYS_timerfd_create, "timers as descriptors"),
    allow(libc::SYS_timerfd_settime, "timers as descriptors"),
    allow_if(libc::SYS_ioctl, Check::OneOf { argument: 1, values: HARMLESS_IOCTLS }, "isatty, window size, non-blocking mode"),
    // Sockets that are there already: the channel, and pairs within the run. There is no socket(2).
    allow_if(
        libc::SYS_socketpair,
        Check::OneOf { argument: 0, values: &[libc::AF_UNIX as u32] },
        "asyncio wakes its loop through a pair; a pair reaches nobody else",
    ),
    allow_if(
        libc::SYS_recvfrom,
        Check::NoneSet { argument: 3, mask: libc::MSG_OOB as u32 },
        "the channel; not urgent data, whose bookkeeping has led into kernels",
    ),
    allow_if(
        libc::SYS_sendto,
        Check::NoneSet { argument: 3, mask: libc::MSG_OOB as u32 },
        "the channel; not urgent data, whose bookkeeping has led into kernels",
    ),
    // Descriptors under way are counted per user, so a run that sends many would keep its zygote from sending any.
    allow_if(
        libc::SYS_recvmsg,
        Check::NoneSet { argument: 2, mask: libc::MSG_OOB as u32 },
        "programs that hand descriptors to their own children",
    )
    .only(Processes::Allowed),
    allow_if(
        libc::SYS_sendmsg,
        Check::NoneSet { argument: 2, mask: libc::MSG_OOB as u32 },
        "programs that hand descriptors to their own children",
    )
    .only(Processes::Allowed),
    allow(libc::SYS_shutdown, "ends a pair"),
    allow_if(
        libc::SYS_getsockopt,
        Check::OneOf { argument: 2, values: HARMLESS_SOCKET_QUESTIONS },
        "libuv asks what kind of socket the channel is",
    ),
    allow_if(
        libc::SYS_setsockopt,
        Check::OneOf { argument: 2, values: HARMLESS_SOCKET_OPTIONS },
        "buffer sizes of a pair",
    ),
    allow(libc::SYS_getsockname, "libuv asks what kind of socket the channel is"),
    allow(libc::SYS_getpeername, "Node asks who is on the other side of a pair"),
    // Threads and processes of the run itself.
    allow_if(
        libc::SYS_clone,
        Check::AllSet { argument: 0, mask: libc::CLONE_THREAD as u32 },
        "threads; a namespace flag contradicts CLONE_THREAD in the kernel",
    )
    .only(Processes::ThreadsOnly),
    allow_if(libc::SYS_clone, Check::NoneSet { argument: 0, mask: NEW_NAMESPACES }, "threads and children, but no namespaces")
        .only(Processes::Allowed),
    refuse(libc::SYS_clone3, libc::ENOSYS, "its flags cannot be seen; the C library falls back to clone"),
    allow(libc::SYS_execve, "starts the program; landlock decides which files"),
    allow(libc::SYS_wait4, "waits for children").only(Processes::Allowed),
    allow(libc::SYS_waitid, "waits for children").only(Processes::Allowed),
    allow(libc::SYS_pidfd_open, "subprocess waits for its child").only(Processes::Allowed),
    allow(libc::SYS_setpgid, "job control of shells").only(Processes::Allowed),
    allow(libc::SYS_setsid, "daemons of build tools").only(Processes::Allowed),
    allow(libc::SYS_exit, "ends a thread"),
    allow(libc::SYS_exit_group, "ends the program"),
    allow(libc::SYS_kill, "signals within the pid namespace"),
    allow(libc::SYS_tkill, "signals a thread, in older C libraries"),
    allow(libc::SYS_tgkill, "abort and pthread_kill"),
    allow(libc::SYS_set_tid_address, "thread start"),
    allow(libc::SYS_set_robust_list, "robust locks"),
    allow(libc::SYS_rseq, "restartable sequences of the C library"),
    allow_if(libc::SYS_futex, Check::OneOf { argument: 1, values: FUTEX_OPERATIONS }, "locks"),
    allow(libc::SYS_sched_yield, "spinning locks"),
    allow(libc::SYS_sched_getaffinity, "how many CPUs are there"),
    allow(libc::SYS_sched_getparam, "thread attributes"),
    allow(libc::SYS_sched_getscheduler, "thread attributes"),
    allow(libc::SYS_sched_get_priority_max, "thread attributes"),
    allow(libc::SYS_sched_get_priority_min, "thread attributes"),
    allow(libc::SYS_getcpu, "allocators with arenas per CPU"),
    allow_if(libc::SYS_prctl, Check::OneOf { argument: 0, values: HARMLESS_PRCTLS }, "names of threads and mappings, questions"),
    // Signals.
    allow(libc::SYS_rt_sigaction, "signal handlers"),
    allow(libc::SYS_rt_sigprocmask, "signal masks"),
    allow(libc::SYS_rt_sigreturn, "the end of a handler"),
    allow(libc::SYS_rt_sigpending, "asks for pending signals"),
    allow(libc::SYS_rt_sigsuspend, "waits for a signal"),
    allow(libc::SYS_rt_sigtimedwait, "waits for a signal"),
    allow(libc::SYS_sigaltstack, "stack for overflow handlers"),
    allow(libc::SYS_restart_syscall, "the kernel resumes interrupted sleeps with it"),
    // Time.
    allow(libc::SYS_clock_gettime, "clocks where the vDSO cannot answer"),
    allow(libc::SYS_clock_getres, "clock resolution"),
    allow(libc::SYS_clock_nanosleep, "sleeps"),
    allow(libc::SYS_nanosleep, "sleeps"),
    allow(libc::SYS_gettimeofday, "clocks where the vDSO cannot answer"),
    allow(libc::SYS_getitimer, "interval timers"),
    allow(libc::SYS_setitimer, "interval timers"),
    allow(libc::SYS_times, "CPU time used"),
    // Who and where am I.
    allow(libc::SYS_getpid, "own id"),
    allow(libc::SYS_getppid, "own parent"),
    allow(libc::SYS_gettid, "own thread"),
    allow(libc::SYS_getuid, "own user"),
    allow(libc::SYS_geteuid, "own user"),
    allow(libc::SYS_getgid, "own group"),
    allow(libc::SYS_getegid, "own group"),
    allow(libc::SYS_getresuid, "own user"),
    allow(libc::SYS_getresgid, "own group"),
    allow(libc::SYS_getgroups, "own groups"),
    allow(libc::SYS_getpgid, "own process group"),
    allow(libc::SYS_getsid, "own session"),
    allow(libc::SYS_getpriority, "os.getPriority"),
    allow(libc::SYS_getrusage, "process.resourceUsage"),
    allow_if(libc::SYS_prlimit64, Check::OneOf { argument: 0, values: &[0] }, "own limits; of other processes they are nobody's business"),
    allow(libc::SYS_sysinfo, "memory size where there is no /proc"),
    allow(libc::SYS_uname, "host name and kernel version; the former is the sandbox's"),
    allow(libc::SYS_getrandom, "randomness"),
    // The x86-64 names of calls that newer architectures have only as the *at forms above.
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_open, "older programs' openat"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_stat, "older programs' fstatat"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_lstat, "older programs' fstatat"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_access, "the ELF loader's faccessat"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_readlink, "realpath of older C libraries"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_mkdir, "libuv's mkdirat"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_rmdir, "libuv's unlinkat"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_unlink, "libuv's unlinkat"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_rename, "libuv's renameat"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_link, "libuv's linkat"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_symlink, "libuv's symlinkat"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_chmod, "libuv's fchmodat"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_pipe, "older programs' pipe2"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_dup2, "older programs' dup3"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_poll, "older programs' ppoll"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_select, "older programs' pselect6"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_epoll_wait, "older programs' epoll_pwait"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_getpgrp, "own process group"),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_time, "older programs' clock"),
    #[cfg(target_arch = "x86_64")]
    allow_if(
        libc::SYS_arch_prctl,
        Check::OneOf { argument: 0, values: THREAD_POINTER },
        "the C library sets the thread pointer with it",
    ),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_vfork, "posix_spawn of older C libraries").only(Processes::Allowed),
    #[cfg(target_arch = "x86_64")]
    allow(libc::SYS_fork, "older programs' clone").only(Processes::Allowed),
    // Attacks.
    kill(libc::SYS_ptrace, "reads and writes other processes"),
    kill(libc::SYS_process_vm_readv, "reads other processes"),
    kill(libc::SYS_process_vm_writev, "writes other processes"),
    kill(libc::SYS_kcmp, "compares kernel pointers of processes"),
    kill(libc::SYS_unshare, "new namespaces give capabilities over kernel code"),
    kill(libc::SYS_setns, "enters other namespaces"),
    kill(libc::SYS_mount, "changes the root"),
    kill(libc::SYS_umount2, "changes the root"),
    kill(libc::SYS_pivot_root, "changes the root"),
    kill(libc::SYS_open_tree, "changes the root"),
    kill(libc::SYS_move_mount, "changes the root"),
    kill(libc::SYS_fsopen, "changes the root"),
    kill(libc::SYS_fsconfig, "changes the root"),
    kill(libc::SYS_fsmount, "changes the root"),
    kill(libc::SYS_fspick, "changes the root"),
    kill(libc::SYS_mount_setattr, "changes the root"),
    kill(libc::SYS_open_by_handle_at, "opens files around the tree"),
    kill(libc::SYS_bpf, "loads programs into the kernel"),
    kill(libc::SYS_perf_event_open, "large kernel surface with a history"),
    kill(libc::SYS_userfaultfd, "stops the kernel in the middle of a copy"),
    kill(libc::SYS_keyctl, "keyrings are not namespaced"),
    kill(libc::SYS_add_key, "keyrings are not namespaced"),
    kill(libc::SYS_request_key, "keyrings are not namespaced, and it calls out to user space"),
    kill(libc::SYS_init_module, "loads code into the kernel"),
    kill(libc::SYS_finit_module, "loads code into the kernel"),
    kill(libc::SYS_delete_module, "unloads kernel code"),
    kill(libc::SYS_kexec_load, "replaces the kernel"),
    kill(libc::SYS_reboot, "stops the machine"),
    kill(libc::SYS_swapon, "administers the machine"),
    kill(libc::SYS_swapoff, "administers the machine"),
    kill(libc::SYS_settimeofday, "administers the machine"),
    kill(libc::SYS_quotactl, "administers the machine"),
    kill(libc::SYS_acct, "administers the machine"),
    #[cfg(target_arch = "x86_64")]
    kill(libc::SYS_iopl, "raw hardware access"),
    #[cfg(target_arch = "x86_64")]
    kill(libc::SYS_ioperm, "raw hardware access"),
    #[cfg(target_arch = "x86_64")]
    kill(libc::SYS_modify_ldt, "16-bit segments, a source of kernel holes"),
    // Probed by programs that go on without, so an error and not a kill.
    refuse(libc::SYS_io_uring_setup, libc::ENOSYS, "large kernel surface around seccomp; libuv goes on without"),
];
