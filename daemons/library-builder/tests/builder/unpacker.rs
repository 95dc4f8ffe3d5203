//! The unpacker's unit as the daemon sees it: one order on one connection.

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::archives::{crowd, tarball};

/// Archives and a tree, and the user that the unit would have.
struct Workplace {
    directory: tempfile::TempDir,
    user: Option<nix::unistd::User>,
}

impl Workplace {
    fn new(archive: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        let root = nix::unistd::geteuid().is_root();
        let user = root.then(|| nix::unistd::User::from_name("nobody").unwrap().unwrap());
        // The user need not reach the checkout.
        fs::copy(env!("CARGO_BIN_EXE_bulkhead-library-builder"), path.join("program")).unwrap();
        fs::create_dir(path.join("archives")).unwrap();
        fs::create_dir(path.join("tree")).unwrap();
        let plan = json!({
            "limits": { "bytes": 1_000_000, "files": 100_000 },
            "archives": [{ "file": "a", "package": "a 1", "form": { "npm": { "path": "node_modules/a" } } }],
        });
        fs::write(path.join("archives/plan.json"), plan.to_string()).unwrap();
        fs::write(path.join("archives/a"), archive).unwrap();
        if let Some(user) = &user {
            std::os::unix::fs::chown(path.join("tree"), Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
        }
        Self { directory, user }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn unpack(&self) -> Value {
        let limits = json!({ "bytes": 1_000_000, "files": 100_000 });
        json!({ "unpack": { "archives": self.path("archives"), "tree": self.path("tree"), "limits": limits, "wall_s": 60 } })
    }

    /// Starts the unpacker for a connection and sends it the order.
    fn connect(&self, order: &Value) -> (UnixStream, Child) {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let mut command = Command::new(self.path("program"));
        command.arg("unpacker").stdin(OwnedFd::from(theirs)).current_dir("/");
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let child = command.spawn().unwrap();
        writeln!(ours, "{order}").unwrap();
        (ours, child)
    }

    /// Its answer.
    fn answer(&self, order: &Value) -> Value {
        let (mut connection, mut child) = self.connect(order);
        let mut text = String::new();
        connection.read_to_string(&mut text).unwrap();
        assert!(child.wait().unwrap().success());
        serde_json::from_str(&text).unwrap()
    }
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn an_order_is_carried_out_and_answered() {
    let place = Workplace::new(&tarball(&[("package/index.js", "x")]));

    assert_eq!(place.answer(&json!("check")), json!("done"));
    let python = place.answer(&json!({ "interpreter": { "python": "/usr/bin/python3" } }));
    assert_eq!(python["interpreter"]["implementation"], "cpython");
    assert_eq!(place.answer(&place.unpack()), json!("done"));
    assert_eq!(fs::read_to_string(place.path("tree/node_modules/a/index.js")).unwrap(), "x");
}

#[test]
fn a_refusal_is_answered_too() {
    let place = Workplace::new(b"no archive");

    let answer = place.answer(&place.unpack());

    assert_eq!(answer["refused"]["package"], "a 1", "{answer}");
}

#[test]
fn the_work_ends_when_the_daemon_goes_away() {
    const FILES: usize = 60_000;
    let place = Workplace::new(&crowd(FILES));
    let folder = place.path("tree/node_modules/a");
    let (connection, mut child) = place.connect(&place.unpack());
    let end = Instant::now() + Duration::from_secs(30);
    while count(&folder) == 0 {
        assert!(Instant::now() < end, "it does not begin");
        std::thread::sleep(Duration::from_millis(1));
    }

    connection.shutdown(Shutdown::Both).unwrap();

    assert!(!child.wait().unwrap().success());
    // The stage ends by itself, and with it what it has started.
    std::thread::sleep(Duration::from_millis(500));
    let left = count(&folder);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(count(&folder), left);
    assert!(left < FILES, "it was quicker than this test");
}
