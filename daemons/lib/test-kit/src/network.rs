//! A network of its own: a namespace that a pair of virtual interfaces joins to that of the test.
//!
//! Its cable can be pulled: what is on the way then is lost, and nobody is told, as in a partition. It takes root and iproute2. Names carry the
//! id of the process, so that whoever makes the next one can remove what a killed test has left behind.

use std::ffi::OsStr;
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};

/// How names of namespaces begin.
const PREFIX: &str = "bulkhead-test-";
/// Where iproute2 keeps namespaces by their names.
const NAMESPACES: &str = "/run/netns";
/// What can be told apart in 198.18.0.0/15, which is set aside for tests of networks, by four addresses each.
const SUBNETS: u32 = 1 << 15;
/// Networks of one process before numbers come again.
const OF_PROCESS: u32 = 8;

static MADE: AtomicU32 = AtomicU32::new(0);

/// Removed with this value, once whoever runs in it has ended.
#[derive(Debug)]
pub struct Network {
    name: String,
    /// The interface on this side.
    near: String,
    /// The one over there.
    far: String,
    address: String,
}

impl Network {
    /// Whether this process may make one.
    pub fn is_possible() -> bool {
        Uid::effective().is_root()
    }

    /// Makes one.
    pub fn make() -> Self {
        remove_leftovers();
        let (pid, made) = (std::process::id(), MADE.fetch_add(1, Ordering::SeqCst));
        let subnet = (pid * OF_PROCESS + made % OF_PROCESS) % SUBNETS;
        let address = |host: u32| {
            let [a, b, c, d] = ((198 << 24) + (18 << 16) + subnet * 4 + host).to_be_bytes();
            format!("{a}.{b}.{c}.{d}")
        };
        let (near, far) = (format!("bh{subnet:04x}n"), format!("bh{subnet:04x}f"));
        let network = Self { name: format!("{PREFIX}{pid}-{made}"), near, far, address: address(2) };
        let Self { name, near, far, .. } = &network;
        ip(&["netns", "add", name]);
        ip(&["link", "add", near, "type", "veth", "peer", "name", far, "netns", name]);
        ip(&["address", "add", &format!("{}/30", address(1)), "dev", near]);
        ip(&["link", "set", near, "up"]);
        // Over there it stays reachable when the cable is pulled.
        network.ip(&["address", "add", &format!("{}/32", address(2)), "dev", "lo"]);
        network.ip(&["address", "add", &format!("{}/30", address(2)), "dev", far]);
        network.ip(&["link", "set", "lo", "up"]);
        network.plug_in();
        network
    }

    /// The address over there.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A command that becomes `program` over there.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Listens over there on a free port, for this process.
    pub fn listen(&self) -> TcpListener {
        let (file, address) = (Path::new(NAMESPACES).join(&self.name), self.address.clone());
        // A thread of its own, since it is the thread that moves.
        let listening = std::thread::spawn(move || {
            let namespace = File::open(file).expect("its namespace");
            setns(namespace, CloneFlags::CLONE_NEWNET).expect("entered");
            TcpListener::bind((address.as_str(), 0)).expect("binds")
        });
        listening.join().expect("listens")
    }

    /// Pulls the cable.
    pub fn pull(&self) {
        self.ip(&["link", "set", &self.far, "down"]);
    }

    /// Plugs it in (again).
    pub fn plug_in(&self) {
        self.ip(&["link", "set", &self.far, "up"]);
    }

    fn ip(&self, arguments: &[&str]) {
        ip(&[&["-netns", &self.name], arguments].concat());
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // With the namespace go its interfaces, but not at once.
        for arguments in [["link", "delete", &self.near], ["netns", "delete", &self.name]] {
            let _ = Command::new("ip").args(arguments).output();
        }
    }
}

/// Removes the networks of processes that are gone, and ends what runs in them.
fn remove_leftovers() {
    for entry in std::fs::read_dir(NAMESPACES).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(pid) = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()?.parse::<u32>().ok()) else {
            continue;
        };
        if Path::new("/proc").join(pid.to_string()).exists() {
            continue;
        }
        let inside = Command::new("ip").args(["netns", "pids", &name]).output().map(|output| output.stdout);
        for left in String::from_utf8_lossy(&inside.unwrap_or_default()).lines().filter_map(|line| line.parse().ok()) {
            let _ = kill(Pid::from_raw(left), Signal::SIGKILL);
        }
        let _ = Command::new("ip").args(["netns", "delete", &name]).output();
    }
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().expect("iproute2 is installed: run `cargo xtask test`");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {}: {said}", arguments.join(" "));
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_pulled_cable_holds_up_what_is_said_and_loses_nothing_in_the_end() {
        if !Network::is_possible() {
            // Whoever cannot make one does without: a storm has relays then.
            return;
        }
        let network = Network::make();
        let listener = network.listen();
        let mut near = TcpStream::connect(listener.local_addr().expect("an address")).expect("connects");
        let (mut far, _) = listener.accept().expect("accepts");
        far.set_read_timeout(Some(Duration::from_millis(300))).expect("set");
        let mut heard = [0; 3];
        network.pull();
        near.write_all(b"one").expect("the kernel keeps it");
        assert!(far.read_exact(&mut heard).is_err());
        network.plug_in();
        far.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        far.read_exact(&mut heard).expect("comes");
        assert_eq!(&heard, b"one");
        let name = network.name.clone();
        drop(network);
        assert!(!Path::new(NAMESPACES).join(name).exists());
    }
}
