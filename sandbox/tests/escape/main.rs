//! The escape table: each row is an attack and what must become of it.
//!
//! An attack is a Python program in the sandbox of a code run (threads only) or of the command line
//! (processes allowed). It reports what it reached; a row says what that must be. The tests run as
//! root, dropping to an unprivileged user, and as any other user, unchanged.
#![allow(clippy::unwrap_used)]

mod attacks;
mod c_attacks;
mod kit;

use attacks::Expect::{Errno, Killed, Prints};
use attacks::TABLE;
use bulkhead_sandbox::{Ending, Processes};
use kit::{Attack, attack, run_python};

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
        ("a, b = socket.socketpair(); socket.send_fds(a, [b'x'], [0])", "errno EPERM"),
        ("fcntl.flock(open('/usr/bin/python3'), fcntl.LOCK_EX)", "errno EPERM"),
        ("os.sendfile(os.pipe()[1], os.open('/usr/bin/python3', os.O_RDONLY), 0, 4096)", "errno EINVAL"),
        ("os.fsync(os.open('/usr/bin/python3', os.O_RDONLY)); print(shutil.copy('/usr/bin/true', '/tmp/t'))", "/tmp/t"),
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
fn memory_that_processes_hold_together_is_limited_too() {
    let children = "import os, time
for n in range(16):
  if os.fork() == 0:
    held = b'x' * (48 << 20)
    time.sleep(20)
    os._exit(0)
time.sleep(20)";
    let shared = "import mmap
held = mmap.mmap(-1, 1 << 30)
for at in range(0, 1 << 30, 4096): held[at] = 1";
    for code in [children, shared] {
        let result = run_python(code, |policy| {
            policy.limits.memory_bytes = 256 << 20;
            policy.limits.wall_time_ms = 30_000;
        });
        assert_eq!(result.ending, Ending::Memory, "{code}");
    }
    let inherited = "import os, time
held = b'x' * (100 << 20)
for n in range(8):
  if os.fork() == 0:
    time.sleep(0.3)
    os._exit(0)
for n in range(8): os.wait()
print('all shared one copy')";
    let result = run_python(inherited, |policy| policy.limits.memory_bytes = 256 << 20);
    assert_eq!((result.ending, result.output.as_str()), (Ending::Exited(0), "all shared one copy"));
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
fn a_writable_directory_keeps_what_is_written_and_executes_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let directory = std::env::temp_dir().join(format!("bulkhead-writable-{}", std::process::id()));
    std::fs::create_dir(&directory).unwrap();
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).unwrap();
    let code = "import os, shutil\nopen('/out/kept', 'w').write('x')\nshutil.copy('/usr/bin/true', '/out/t')\nos.chmod('/out/t', 0o755)\ntry: os.execv('/out/t', ['t'])\nexcept OSError as e: print(e.errno)";
    let result = run_python(code, |policy| {
        policy.mounts.push(bulkhead_sandbox::Mount::Writable { source: directory.clone(), target: "/out".into() });
    });
    let kept = std::fs::read_to_string(directory.join("kept"));
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!((result.output.as_str(), kept.unwrap().as_str()), ("13", "x"));
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
