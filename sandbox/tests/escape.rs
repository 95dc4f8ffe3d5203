//! The escape table: each row is an attack and what must become of it.
//!
//! An attack is a Python program in the sandbox of a code run (threads only) or of the command line
//! (processes allowed). It reports what it reached; a row says what that must be. The tests run as
//! root, dropping to an unprivileged user, and as any other user, unchanged.
#![allow(clippy::unwrap_used)]

mod kit;

use bulkhead_sandbox::{Ending, Processes};
use kit::{Attack, attack, run_python};

/// What must become of an attack.
enum Expect {
    /// The call fails with this errno.
    Errno(&'static str),
    /// The program is killed for the attempt.
    Killed,
    /// The program prints exactly this.
    Prints(&'static str),
}
use Expect::{Errno, Killed, Prints};

/// Programs of the command line: children are allowed, so more can be tried.
const TABLE: &[(&str, &str, Expect)] = &[
    // Files.
    ("write to /usr", "open('/usr/attack', 'w')", Errno("EROFS|EACCES")),
    ("write over the interpreter", "open('/usr/bin/python3', 'r+')", Errno("EROFS|EACCES")),
    ("write to the root", "open('/attack', 'w')", Errno("EROFS|EACCES")),
    ("write to a file of the policy", "open('/etc/passwd', 'a')", Errno("EROFS|EACCES")),
    ("read the host's shadow", "open('/etc/shadow')", Errno("ENOENT|EACCES")),
    ("read the host's machine id", "open('/etc/machine-id')", Errno("ENOENT|EACCES")),
    ("list the home of root", "os.listdir('/root')", Errno("ENOENT|EACCES")),
    ("list the host's /run", "os.listdir('/run')", Errno("ENOENT|EACCES")),
    ("list the host's /sys", "os.listdir('/sys')", Errno("ENOENT|EACCES")),
    ("walk out with ..", "print(sorted(os.listdir('/../../..')) == sorted(os.listdir('/')))", Errno("EACCES")),
    ("find the old root", "os.listdir('/.old-root')", Errno("ENOENT|EACCES")),
    ("make a block device", "os.mknod('/tmp/sda', 0o600 | stat.S_IFBLK, os.makedev(8, 0))", Errno("EPERM")),
    ("make a character device", "os.mknod('/tmp/mem', 0o600 | stat.S_IFCHR, os.makedev(1, 1))", Errno("EPERM")),
    ("open the disk", "open('/dev/vda', 'rb')", Errno("ENOENT|EACCES")),
    ("open kernel memory", "open('/dev/mem', 'rb')", Errno("ENOENT|EACCES")),
    ("open the terminal", "open('/dev/tty', 'r+b')", Errno("ENOENT|EACCES|ENXIO")),
    ("open fuse", "open('/dev/fuse', 'r+b')", Errno("ENOENT|EACCES")),
    ("change the owner", "open('/tmp/x', 'w'); os.chown('/tmp/x', 0, 0)", Errno("EPERM")),
    ("chroot", "os.chroot('/tmp')", Errno("EPERM")),
    (
        "execute from the scratch directory",
        "shutil.copy('/usr/bin/true', '/tmp/t'); os.chmod('/tmp/t', 0o755); os.execv('/tmp/t', ['t'])",
        Errno("EACCES"),
    ),
    ("execute from memory", "os.memfd_create('x')", Errno("EPERM")),
    // Processes.
    ("look at the host's PID 1", "print(os.path.exists('/proc/1/environ'))", Prints("False")),
    ("read the memory of our PID 1", "open('/proc/1/mem', 'rb')", Errno("ENOENT|EACCES")),
    (
        "see processes of others",
        "print(all(int(p) < 10 for p in os.listdir('/proc') if p.isdigit()) if os.path.isdir('/proc') else True)",
        Prints("True"),
    ),
    ("be more than a handful of processes", "print(os.getpid() < 10)", Prints("True")),
    ("kill processes outside", "print({kill_error(pid) for pid in range(20, 5000)})", Prints("{'ESRCH'}")),
    ("kill PID 1", "os.kill(1, 9); print('alive')", Prints("alive")),
    ("kill everything", "os.kill(-1, 9)", Errno("ESRCH")),
    ("trace", "call(101, 16, 1, 0, 0)", Killed),
    ("read memory of a process", "call(310, 1, 0, 0, 0, 0, 0)", Killed),
    ("write memory of a process", "call(311, 1, 0, 0, 0, 0, 0)", Killed),
    ("take a descriptor of a process", "call(438, 0, 0, 0)", Errno("EPERM")),
    // Kernel interfaces.
    ("mount", "call(165, b'none', b'/tmp', b'tmpfs', 0, 0)", Killed),
    ("unmount", "call(166, b'/usr', 2)", Killed),
    ("pivot", "call(155, b'/tmp', b'/tmp')", Killed),
    ("new mount interface", "call(430, b'tmpfs', 0)", Killed),
    ("clone a mount", "call(428, -100, b'/usr', 1)", Killed),
    ("unshare a user namespace", "call(272, 0x10000000)", Killed),
    ("enter a namespace", "call(308, 0, 0)", Killed),
    ("clone a user namespace", "call(56, 0x10000000 | 17, 0, 0, 0, 0)", Errno("EPERM")),
    ("clone a network namespace", "call(56, 0x40000000 | 17, 0, 0, 0, 0)", Errno("EPERM")),
    ("clone3", "call(435, 0, 0)", Errno("ENOSYS")),
    ("load a BPF program", "call(321, 0, 0, 0)", Killed),
    ("perf events", "call(298, 0, 0, -1, -1, 0)", Killed),
    ("userfaultfd", "call(323, 0)", Killed),
    ("keyctl", "call(250, 0, -3, 0)", Killed),
    ("add_key", "call(248, b'user', b'x', b'y', 1, -3)", Killed),
    ("io_uring", "call(425, 8, 0)", Errno("ENOSYS")),
    ("open by handle", "call(304, -100, 0, 0)", Killed),
    ("load a kernel module", "call(175, 0, 0, b'')", Killed),
    ("kexec", "call(246, 0, 0, 0, 0)", Killed),
    ("reboot", "call(169, 0xfee1dead, 672274793, 0x1234567, 0)", Killed),
    ("raw ports", "call(172, 3)", Killed),
    ("read the kernel's log", "call(103, 3, 0, 0)", Errno("EPERM")),
    ("a personality without address randomisation", "call(135, 0x0040000)", Errno("EPERM")),
    ("set the clock", "call(227, 0, 0)", Errno("EPERM")),
    ("set the host name", "call(170, b'evil', 4)", Errno("EPERM")),
    ("a call that nobody knows yet", "call(1000)", Errno("ENOSYS")),
    ("the x32 variant of getpid", "call(0x40000000 | 39)", Errno("ENOSYS")),
    ("the 32-bit entry", "int80()", Killed),
    // Identity.
    ("become root", "os.setuid(0)", Errno("EPERM")),
    ("become group root", "os.setgid(0)", Errno("EPERM")),
    ("set groups", "os.setgroups([0])", Errno("EPERM")),
    ("be root inside", "print(os.getuid(), os.getgid())", Prints("1000 1000")),
    ("hold a capability", "print(capabilities())", Prints("0")),
    ("regain capabilities", "call(126, ctypes.byref(header), ctypes.byref(all_capabilities))", Errno("EPERM")),
    ("gain by a set-user-id program", "print(libc.prctl(39, 0, 0, 0, 0))", Prints("1")),
    (
        "raise a limit",
        "try: resource.setrlimit(resource.RLIMIT_NOFILE, (100000, 100000)); print('raised')\n  except ValueError: print('refused')",
        Prints("refused"),
    ),
    ("limit another process", "resource.prlimit(1, resource.RLIMIT_CPU, (1, 1))", Errno("EPERM")),
    // Network.
    ("connect to loopback", "socket.create_connection(('127.0.0.1', HOST_PORT), 1)", Errno("EPERM")),
    ("bind", "socket.socket().bind(('0.0.0.0', 0))", Errno("EPERM")),
    ("an abstract Unix socket", "socket.socket(socket.AF_UNIX).connect('\\0bulkhead')", Errno("EPERM")),
    ("a datagram", "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", Errno("EPERM")),
    ("netlink", "socket.socket(16, socket.SOCK_RAW)", Errno("EPERM")),
    ("vsock", "socket.socket(40)", Errno("EPERM")),
    ("resolve a name", "print(resolves())", Prints("False")),
    // Descriptors, environment, terminal.
    ("find an inherited descriptor", "print(open_descriptors())", Prints("[0, 1, 2]")),
    // Python sets this one itself.
    ("read the environment", "print(dict(os.environ))", Prints("{'LC_CTYPE': 'C.UTF-8'}")),
    ("type into the terminal", "fcntl.ioctl(0, 0x5412, b'x')", Errno("EPERM")),
    ("paste into the console", "fcntl.ioctl(0, 0x541C, b'\\3')", Errno("EPERM")),
    ("learn the host's name", "print(os.uname().nodename)", Prints("sandbox")),
    ("a shared memory segment of the host", "print(call_raw(29, 0x1234, 0, 0))", Prints("-1")),
];

#[test]
fn every_attack_ends_as_the_table_says() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let facts = format!("HOST_PORT = {}", listener.local_addr().unwrap().port());
    let mut wrong = Vec::new();
    for (name, code, expect) in TABLE {
        let result = attack(Attack { processes: Processes::Allowed, facts: &facts, code });
        let held = match expect {
            Errno(names) => names.split('|').any(|name| result.output == format!("errno {name}")),
            Killed => result.ending == Ending::ForbiddenSystemCall,
            Prints(text) => result.ending == Ending::Exited(0) && result.output == *text,
        };
        if !held {
            wrong.push(format!("{name}: {:?}, printed {:?}", result.ending, result.output));
        }
    }
    assert!(wrong.is_empty(), "{} attacks of {}:\n{}", wrong.len(), TABLE.len(), wrong.join("\n"));
}

#[test]
fn without_processes_nothing_can_be_forked_or_shared() {
    for (code, expected) in [
        ("os.fork()", "errno EPERM"),
        ("subprocess.run(['/usr/bin/true'])", "errno EPERM"),
        ("mmap.mmap(-1, 1 << 20)", "errno EPERM"),
        ("threading.Thread(target=lambda: print('thread')).start()", "thread"),
        ("os.execv('/usr/bin/true', ['true'])", "errno EACCES"),
    ] {
        let result = attack(Attack { processes: Processes::ThreadsOnly, facts: "", code });
        assert_eq!(result.output, expected, "{code}: {:?}", result.ending);
    }
}

#[test]
fn an_endless_loop_ends_at_the_wall_clock() {
    let result = run_python("while True: pass", |policy| policy.limits.wall_time_ms = 500);
    assert_eq!(result.ending, Ending::WallTime);
    assert!(result.usage.cpu_us > 100_000, "the CPU time of a killed run is known: {:?}", result.usage);
}

#[test]
fn an_endless_loop_ends_at_the_cpu_limit() {
    let result = run_python("while True: pass", |policy| policy.limits.cpu_time_s = 1);
    assert_eq!(result.ending, Ending::CpuTime);
}

#[test]
fn ignoring_the_cpu_signal_gains_one_second() {
    let code = "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass";
    let result = run_python(code, |policy| policy.limits.cpu_time_s = 1);
    assert_eq!(result.ending, Ending::CpuTime);
}

#[test]
fn four_gigabytes_are_refused() {
    let code = "try:\n  bytearray(4 << 30)\n  print('got it')\nexcept MemoryError:\n  print('refused')";
    let result = run_python(code, |_| {});
    assert_eq!(result.output, "refused");
    assert!(result.usage.peak_memory_bytes < 64 << 20);
}

#[test]
fn a_fork_bomb_stays_within_its_tasks() {
    let code = "import os\nn = 0\ntry:\n  while True:\n    if os.fork() == 0:\n      import time; time.sleep(60)\n    n += 1\nexcept OSError as e:\n  print(n <= 20, e.errno)";
    let result = run_python(code, |policy| policy.limits.tasks = 20);
    assert_eq!((result.ending, result.output.as_str()), (Ending::Exited(0), "True 11"));
}

#[test]
fn a_fork_bomb_that_never_stops_dies_with_its_run() {
    let code = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass";
    let result = run_python(code, |policy| {
        policy.limits.wall_time_ms = 1_000;
        policy.limits.tasks = 30;
    });
    assert_eq!(result.ending, Ending::WallTime);
}

#[test]
fn a_gigabyte_of_output_is_cut_with_a_marker() {
    let code = "import sys\nfor _ in range(1024): sys.stdout.write('x' * (1 << 20))";
    let result = run_python(code, |policy| policy.limits.output_bytes = 1 << 20);
    assert_eq!(result.ending, Ending::Output);
    assert_eq!(result.output.len(), (1 << 20) + "\n[sandbox: output cut at 1048576 bytes]".len());
    assert!(result.output.ends_with("[sandbox: output cut at 1048576 bytes]"));
}

#[test]
fn a_file_stays_within_its_size_and_the_scratch_directory_within_its_own() {
    let code = "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nf = open('/tmp/x', 'wb')\ntry:\n  while True: f.write(b'x' * 65536)\nexcept OSError as e: print(e.errno)";
    let by_file = run_python(code, |policy| policy.limits.file_size_bytes = 1 << 20);
    let by_directory = run_python(code, |policy| policy.limits.file_size_bytes = 1 << 30);
    assert_eq!((by_file.output.as_str(), by_directory.output.as_str()), ("27", "28"));
}

#[test]
fn a_file_too_large_that_nobody_handles_is_named() {
    let code = "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_DFL)\nf = open('/tmp/x', 'wb')\nwhile True: f.write(b'x' * 65536)";
    let result = run_python(code, |policy| policy.limits.file_size_bytes = 1 << 20);
    assert_eq!(result.ending, Ending::FileSize);
}

#[test]
fn nothing_of_a_run_is_left_when_it_has_ended() {
    let before = kit::own_descriptors();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let code = "import os\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    import time; time.sleep(987654)\n  os._exit(0)\nprint('done')";
    for _ in 0..5 {
        assert_eq!(run_python(code, |_| {}).output, "done");
    }
    assert_eq!(kit::processes_with("987654"), Vec::<String>::new());
    assert_eq!(kit::own_children(), Vec::<String>::new());
    assert!(kit::settles(|| kit::own_descriptors() <= before), "descriptors are left");
    assert_eq!(std::fs::read_to_string("/proc/self/mountinfo").unwrap(), mounts);
}

#[test]
fn one_run_leaves_nothing_for_the_next() {
    run_python("open('/tmp/secret', 'w').write('x')", |_| {});
    let next = run_python("import os\nprint(os.listdir('/tmp'))", |_| {});
    assert_eq!(next.output, "[]");
}

#[test]
fn a_policy_may_carry_files_up_to_its_limit() {
    use bulkhead_sandbox::{Mount, SandboxError};
    let with_file = |bytes: usize| {
        let mut policy = kit::policy();
        policy.mounts.push(Mount::File { target: "/run/deep/file".into(), content: "x".repeat(bytes) });
        kit::run(policy, "/usr/bin/wc", &["-c", "/run/deep/file"])
    };

    assert_eq!(with_file(150_000).unwrap().output, "150000 /run/deep/file");
    assert!(matches!(with_file(200_000), Err(SandboxError::PolicyTooLarge { .. })));
}

#[test]
fn root_is_refused() {
    use bulkhead_sandbox::{Identity, Policy, SandboxError};
    let result = kit::run(Policy::minimal(Identity::Switch { uid: 0, gid: 0 }), "/usr/bin/true", &[]);
    assert!(matches!(result, Err(SandboxError::Root)), "{result:?}");
}

#[test]
fn a_missing_program_and_a_missing_mount_are_named() {
    use bulkhead_sandbox::exit_code;
    let missing = kit::run(kit::policy(), "/usr/bin/no-such-program", &[]).map(|result| result.outcome);
    assert_eq!(exit_code(&missing), 127);
    assert!(missing.unwrap_err().to_string().contains("/usr/bin/no-such-program"));

    let mount = kit::run(kit::policy().with_read_only("/no/such/directory"), "/usr/bin/true", &[]);
    assert!(mount.unwrap_err().to_string().contains("/no/such/directory"));
}

#[test]
fn the_program_dies_when_its_supervisor_goes_away() {
    let (sandbox, pipe) = kit::start_sleeper();
    drop(sandbox);
    assert_eq!(kit::read_to_end(pipe), "started\n");
}

#[test]
fn the_self_check_finds_nothing_missing_here_but_perhaps_cgroups() {
    use bulkhead_sandbox::{cgroup::Delegation, selfcheck};
    let cgroups = Delegation::enter().map(|_| ());
    let report = selfcheck(&kit::launcher(), kit::identity(), cgroups.as_ref().copied());
    assert_eq!(report.fatal().next(), None, "{report:?}");
    assert!(report.landlock_abi >= 1);
}
