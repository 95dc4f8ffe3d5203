//! A real sshd in the foreground, on a free port, with keys of its own.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// OpenSSH's server. Ended with this value.
pub(crate) struct Sshd {
    directory: tempfile::TempDir,
    pub(crate) port: u16,
    server: Option<Child>,
    extra: String,
}

impl Sshd {
    /// Starts one that lets in this process's user by key. `extra` is added to its configuration.
    pub(crate) fn start(extra: &str) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let directory = tempfile::tempdir().expect("a directory");
        for key in ["host", "client", "stranger"] {
            keygen(&["-q", "-t", "ed25519", "-N", "", "-f", &path(directory.path(), key)]);
        }
        std::fs::copy(directory.path().join("client.pub"), directory.path().join("authorized")).expect("copied");
        let mut sshd = Self { directory, port, server: None, extra: extra.to_owned() };
        sshd.run();
        sshd
    }

    /// Starts the server (again), on the same port and with the same keys.
    pub(crate) fn run(&mut self) {
        if nix::unistd::geteuid().is_root() {
            // Where sshd of root locks up its unprivileged half; the package makes it at boot.
            std::fs::create_dir_all("/run/sshd").expect("made");
        }
        let config = format!(
            "ListenAddress 127.0.0.1:{}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n{}\n",
            self.port,
            path(self.directory.path(), "host"),
            path(self.directory.path(), "authorized"),
            self.extra
        );
        let file = self.directory.path().join("sshd_config");
        std::fs::write(&file, config).expect("written");
        // sshd runs itself again for each connection and wants its own absolute path for that.
        let server = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("/usr/sbin/sshd does not start ({error}): install openssh-server"));
        self.server = Some(server);
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < end, "sshd did not answer on port {}", self.port);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the server with its sessions, as a reboot of the host does.
    pub(crate) fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        for child in children(server.id()) {
            // One that ended meanwhile is as good.
            let _ = nix::sys::signal::kill(child, nix::sys::signal::Signal::SIGKILL);
        }
        server.kill().expect("killed");
        server.wait().expect("reaped");
    }

    /// The public key that it shows.
    pub(crate) fn host_key(&self) -> String {
        self.read("host.pub")
    }

    /// The private key that it lets in.
    pub(crate) fn client_key(&self) -> String {
        self.read("client")
    }

    /// The private key that it lets in, protected by a passphrase.
    pub(crate) fn protected_client_key(&self, passphrase: &str) -> String {
        let copy = self.directory.path().join("protected");
        std::fs::copy(self.directory.path().join("client"), &copy).expect("copied");
        keygen(&["-q", "-p", "-P", "", "-N", passphrase, "-f", copy.to_str().expect("UTF-8")]);
        self.read("protected")
    }

    /// A private key that it does not know, and its public half.
    pub(crate) fn stranger(&self) -> (String, String) {
        (self.read("stranger"), self.read("stranger.pub"))
    }

    /// The fingerprint of one of its keys, as OpenSSH prints it.
    pub(crate) fn fingerprint(&self, key: &str) -> String {
        let printed = keygen(&["-l", "-f", &path(self.directory.path(), key)]);
        printed.split(' ').nth(1).expect("a fingerprint").to_owned()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.path().join(name)).expect("read")
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn path(directory: &Path, name: &str) -> String {
    directory.join(name).to_str().expect("UTF-8").to_owned()
}

fn keygen(arguments: &[&str]) -> String {
    let output = Command::new("ssh-keygen").args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("ssh-keygen does not start ({error}): install openssh-client"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The processes below one, itself left out.
fn children(parent: u32) -> Vec<nix::unistd::Pid> {
    let listed: PathBuf = format!("/proc/{parent}/task/{parent}/children").into();
    let text = std::fs::read_to_string(listed).unwrap_or_default();
    let direct: Vec<u32> = text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    let below = direct.iter().flat_map(|pid| children(*pid)).collect::<Vec<_>>();
    let direct = direct.iter().map(|pid| nix::unistd::Pid::from_raw(*pid as i32));
    direct.chain(below).collect()
}
