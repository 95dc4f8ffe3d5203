//! Daemons as their units start them: with a bound socket at descriptor 3.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::fcntl::{FcntlArg, fcntl};

/// Binds the socket, puts it at descriptor 3 and becomes the daemon, as systemd does.
const ACTIVATE: &str = "
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1] + '.new')
listener.listen(64)
os.rename(sys.argv[1] + '.new', sys.argv[1])
copy = os.dup(listener.fileno())
os.dup2(copy, 3)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
";

/// A command that becomes `program`, which listens on `socket` under `name`. Arguments of the program may follow. The socket is
/// there as soon as its file is, before the program runs: connections wait in it.
pub fn activated(program: impl AsRef<OsStr>, socket: &Path, name: &str) -> Command {
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-I", "-S", "-c", ACTIVATE]).arg(socket).arg(name).arg(program).stdin(Stdio::null());
    command
}

/// Puts the socket that it finds at descriptor 0 at descriptor 3, the others behind it, and becomes the daemon.
const HAND_OVER: &str = "
import os, sys
others = [int(number) for number in sys.argv[2].split()]
os.dup2(0, 3)
for place, number in enumerate(others):
    os.dup2(number, 4 + place)
os.dup2(os.open('/dev/null', os.O_RDONLY), 0)
os.environ.update(LISTEN_FDS=str(1 + len(others)), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=sys.argv[1])
os.execv(sys.argv[3], sys.argv[3:])
";

/// The same with a socket that the caller keeps: connections wait in it while the program is away, and go on when it is started again.
pub(crate) fn handed_over(
    program: &Path,
    socket: &UnixListener,
    name: &str,
    tcp: Option<(&str, &TcpListener)>,
) -> Command {
    let socket = OwnedFd::from(socket.try_clone().expect("a copy of the socket"));
    // A number that no other one is put at. It stays open for as long as the test runs, for each start of the daemon.
    let inherited = tcp.map(|(_, listener)| fcntl(listener, FcntlArg::F_DUPFD(64)).expect("a copy of the socket"));
    let names = tcp.map_or_else(|| name.to_owned(), |(other, _)| format!("{name}:{other}"));
    let mut command = Command::new("/usr/bin/python3");
    command.args([
        "-I",
        "-S",
        "-c",
        HAND_OVER,
        &names,
        &inherited.map_or_else(String::new, |number| number.to_string()),
    ]);
    command.arg(program).stdin(Stdio::from(socket));
    command
}
