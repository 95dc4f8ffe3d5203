//! The escape table as data: Python programs that attack, and what must become of them. The sandbox's tests run them as programs
//! of their own; code-executor's run them as blocks, in forks of a zygote.

/// Raw system calls and a few questions, before each attack.
pub(crate) const PRELUDE: &str = r#"
import ctypes, errno, fcntl, mmap, os, resource, shutil, socket, stat, subprocess, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
class Header(ctypes.Structure):
    _fields_ = [('version', ctypes.c_uint32), ('pid', ctypes.c_int)]
class Sets(ctypes.Structure):
    _fields_ = [('words', ctypes.c_uint32 * 6)]
header = Header(0x20080522, 0)
all_capabilities = Sets((ctypes.c_uint32 * 6)(*([0xffffffff] * 6)))
def call_raw(number, *arguments):
    plain = [a if not isinstance(a, int) else ctypes.c_long(a) for a in arguments]
    return libc.syscall(ctypes.c_long(number), *plain)
def call(number, *arguments):
    result = call_raw(number, *arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), 'call')
    print('returned', result)
def capabilities():
    sets = Sets()
    libc.syscall(125, ctypes.byref(header), ctypes.byref(sets))
    return sum(sets.words)
def kill_error(pid):
    try:
        os.kill(pid, 9)
        return 'killed'
    except OSError as e:
        return errno.errorcode[e.errno]
def resolves():
    try:
        socket.getaddrinfo('example.org', 80)
        return True
    except OSError:
        return False
def open_descriptors():
    found = []
    for number in range(256):
        try:
            os.fstat(number)
            found.append(number)
        except OSError:
            pass
    return found
def int80():
    # mov eax, 20 (getpid of i386); int 0x80; ret
    code = b'\xb8\x14\x00\x00\x00\xcd\x80\xc3'
    page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | 0x20, prot=7)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    print('returned', ctypes.CFUNCTYPE(ctypes.c_int)(address)())
"#;

/// The whole program of an attack: it prints what it reached, or the name of the error.
pub(crate) fn program(facts: &str, code: &str) -> String {
    format!(
        "{PRELUDE}\n{facts}\ntry:\n  {code}\nexcept OSError as e:\n  print('errno', errno.errorcode.get(e.errno, e))\n"
    )
}

/// What must become of an attack.
pub(crate) enum Expect {
    /// The call fails with this errno.
    Errno(&'static str),
    /// The program is killed for the attempt.
    Killed,
    /// The program prints exactly this.
    Prints(&'static str),
}
use Expect::{Errno, Killed, Prints};

/// Name, code, expectation.
pub(crate) const TABLE: &[(&str, &str, Expect)] = &[
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
