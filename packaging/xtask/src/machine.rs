//! A machine: the real packages under real systemd, in a systemd-nspawn container over a cached Debian root.
//!
//! The root is shared and never written: each machine has an overlay above it, mounted in a mount namespace of its own, so
//! nothing is left mounted when the machine ends. The machine has a network of its own with nothing but loopback: the one way in
//! is a forwarder on this host, the one way out does not exist.

use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::shell::{command, output, run_quietly, step, succeeds};
use crate::{paths, root};

/// A machine by its name.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    directory: PathBuf,
    /// What its root has besides that of every machine.
    packages: &'static [&'static str],
}

impl Machine {
    /// The machine of that name, running or not.
    pub(crate) fn named(name: &str) -> Self {
        Self::with(name, &[])
    }

    /// The same, with these packages of Debian besides.
    pub(crate) fn with(name: &str, packages: &'static [&'static str]) -> Self {
        Self { directory: paths::cache().join("machines").join(name), packages }
    }

    /// A file that is kept beside the machine.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The process that is the machine's init, if the machine runs.
    pub(crate) fn leader(&self) -> Option<i32> {
        let supervisor: i32 = std::fs::read_to_string(self.file("pid")).ok()?.trim().parse().ok()?;
        let name = std::fs::read_to_string(format!("/proc/{supervisor}/comm")).ok()?;
        if name.trim() != "systemd-nspawn" {
            return None;
        }
        let children = std::fs::read_to_string(format!("/proc/{supervisor}/task/{supervisor}/children")).ok()?;
        children.split_whitespace().filter_map(|pid| pid.parse().ok()).find(|pid: &i32| {
            std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "systemd")
        })
    }

    /// Forgets everything that the machine has written. It must not run.
    pub(crate) fn forget(&self) -> Result<()> {
        match std::fs::remove_dir_all(&self.directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("remove {}", self.directory.display()))
            }
            _ => Ok(()),
        }
    }

    /// Boots it and waits until systemd has started everything.
    pub(crate) fn boot(&self) -> Result<()> {
        let root = shared_root(self.packages)?;
        for part in ["upper", "work", "merged"] {
            std::fs::create_dir_all(self.file(part))?;
        }
        let console =
            std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(self.file("console.log"))?;
        // Positional parameters keep paths out of the script's text.
        let script = "set -e
            mount -t overlay overlay -o \"lowerdir=$1,upperdir=$2/upper,workdir=$2/work\" \"$2/merged\"
            exec systemd-nspawn --quiet --register=no --keep-unit --boot --console=pipe --private-network \\
                --machine=\"$3\" --directory=\"$2/merged\" --resolv-conf=off --timezone=off --link-journal=no \\
                --system-call-filter='landlock_create_ruleset landlock_add_rule landlock_restrict_self'";
        let name =
            self.directory.file_name().map(|name| format!("bulkhead-{}", name.to_string_lossy())).unwrap_or_default();
        // Where systemd runs this host too, the machine gets a scope whose cgroups are its own, and outlives the session.
        let mut start = if Path::new("/run/systemd/system").is_dir() {
            command("systemd-run", &["--quiet", "--collect", "--scope", "--property=Delegate=yes", "--", "unshare"])
        } else {
            command("unshare", &[])
        };
        let child = start
            .args(["--mount", "--propagation", "private", "sh", "-c", script, "machine"])
            .args([&root, &self.directory])
            .arg(&name)
            .stdin(Stdio::null())
            .stdout(console.try_clone()?)
            .stderr(console)
            .process_group(0)
            .spawn()
            .context("start systemd-nspawn")?;
        std::fs::write(self.file("pid"), child.id().to_string())?;
        self.wait_for_boot()
    }

    fn wait_for_boot(&self) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(90);
        loop {
            if self.leader().is_some() {
                // `degraded` is an answer too: what failed is found by whoever needs it.
                let state = self.command(&["systemctl", "is-system-running"]).output()?;
                let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
                if ["running", "degraded"].contains(&state.as_str()) {
                    return Ok(());
                }
            }
            ensure!(
                Instant::now() < end,
                "the machine did not boot within 90 s: see {}",
                self.file("console.log").display()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Powers it off and waits for its end.
    pub(crate) fn stop(&self) -> Result<()> {
        let Some(leader) = self.leader() else { return Ok(()) };
        // SIGRTMIN+4 is systemd's word for "power off", understood by every init of a container.
        run_quietly(&mut command("kill", &["-s", "RTMIN+4", &leader.to_string()]))?;
        let end = Instant::now() + Duration::from_secs(60);
        while self.leader().is_some() {
            if Instant::now() >= end {
                run_quietly(&mut command("kill", &["-s", "KILL", &leader.to_string()]))?;
            }
            ensure!(Instant::now() < end + Duration::from_secs(10), "the machine does not stop");
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// A command that will run inside, as root.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let leader = self.leader().map_or_else(|| "0".to_owned(), |pid| pid.to_string());
        let mut inside =
            command("nsenter", &["--target", &leader, "--mount", "--uts", "--ipc", "--net", "--pid", "--"]);
        inside
            .args(["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "TERM=xterm"])
            .args(words);
        inside
    }

    /// Runs a command inside and returns what it printed.
    pub(crate) fn output(&self, words: &[&str]) -> Result<String> {
        ensure!(self.leader().is_some(), "the machine does not run: cargo xtask up");
        output(&mut self.command(words))
    }

    /// Writes a file inside.
    pub(crate) fn write(&self, path: &str, text: &str) -> Result<()> {
        let mut inside = self.command(&["sh", "-c", "mkdir -p \"$(dirname \"$1\")\" && cat > \"$1\"", "write", path]);
        let mut child = inside.stdin(Stdio::piped()).spawn()?;
        std::io::Write::write_all(&mut child.stdin.take().context("a pipe")?, text.as_bytes())?;
        ensure!(child.wait()?.success(), "writing {path} inside the machine failed");
        Ok(())
    }

    /// Installs packages of this host inside; what is installed already in the same build is left alone.
    pub(crate) fn install(&self, packages: &[PathBuf]) -> Result<()> {
        self.copy(packages, "/var/tmp/packages")?;
        let dpkg = "DEBIAN_FRONTEND=noninteractive dpkg --install --force-confold /var/tmp/packages/*.deb && rm -rf /var/tmp/packages";
        run_quietly(&mut self.command(&["sh", "-c", dpkg]))
    }

    /// Copies files of this host into a new folder inside.
    pub(crate) fn copy(&self, files: &[PathBuf], folder: &str) -> Result<()> {
        let pool = self.file("packages");
        std::fs::create_dir_all(&pool)?;
        run_quietly(command("cp", &["--reflink=auto", "--"]).args(files).arg(&pool))?;
        self.unpack(command("tar", &["-c", "."]).current_dir(&pool), folder)?;
        std::fs::remove_dir_all(&pool).context("remove the copied files")
    }

    /// Installs from the bundle for machines without a network, as its script does: by the package manager, from the signed repository.
    pub(crate) fn install_bundle(&self, bundle: &Path) -> Result<()> {
        let place = "/opt/bulkhead-packages";
        self.unpack(command("cat", &["--"]).arg(bundle), place)?;
        let install = format!("cd {place}/* && ./install.sh");
        run_quietly(&mut self.command(&["sh", "-c", &install]))
    }

    /// Unpacks the tar archive that a command of this host prints, into a new folder inside: the machine sees nothing of this host's files.
    fn unpack(&self, pack: &mut Command, folder: &str) -> Result<()> {
        let mut pack = pack.stdout(Stdio::piped()).spawn()?;
        let stream = pack.stdout.take().context("a pipe")?;
        let script = "rm -rf \"$1\" && mkdir \"$1\" && tar -C \"$1\" -x";
        let mut unpack = self.command(&["sh", "-c", script, "unpack", folder]);
        ensure!(unpack.stdin(stream).status()?.success() && pack.wait()?.success(), "copying into {folder} failed");
        Ok(())
    }

    /// An error with what to do when that port of this host is in use by something else than this machine's forwarder.
    pub(crate) fn require_port(&self, from: u16) -> Result<()> {
        let ours = self.forwarder().is_some_and(|forwarder| forwarder.from == from);
        ensure!(
            ours || std::net::TcpListener::bind(("127.0.0.1", from)).is_ok(),
            "port {from} of this host is taken: end what uses it (ss -ltnp 'sport = :{from}'), or choose another: cargo xtask up --port 8090"
        );
        Ok(())
    }

    /// Starts a process that carries connections of a port of this host to one of the machine, unless it runs already.
    pub(crate) fn start_forwarder(&self, from: u16, to: u16) -> Result<()> {
        let leader = self.leader().context("the machine does not run")?;
        // Before the old one is stopped: a port that is taken must not take away the one that works.
        self.require_port(from)?;
        if self.forwarder().is_some_and(|forwarder| forwarder.leader == leader && forwarder.from == from) {
            return Ok(());
        }
        self.stop_forwarder()?;
        // By this name it works too after a build has replaced this program's file.
        let child = Command::new("/proc/self/exe")
            .args(["forward", &leader.to_string(), &from.to_string(), &to.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        std::fs::write(self.file("forwarder.pid"), child.id().to_string())?;
        let end = Instant::now() + Duration::from_secs(5);
        while std::net::TcpStream::connect(("127.0.0.1", from)).is_err() {
            ensure!(Instant::now() < end, "the forwarder of port {from} did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Ends the forwarder, if there is one.
    pub(crate) fn stop_forwarder(&self) -> Result<()> {
        let Some(forwarder) = self.forwarder() else { return Ok(()) };
        run_quietly(&mut command("kill", &[&forwarder.pid]))?;
        let end = Instant::now() + Duration::from_secs(5);
        while self.forwarder().is_some() {
            ensure!(Instant::now() < end, "the forwarder of port {} does not end", forwarder.from);
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The forwarder that runs, by its own command line: a process id may have passed to another program.
    fn forwarder(&self) -> Option<Forwarder> {
        let pid = std::fs::read_to_string(self.file("forwarder.pid")).ok()?.trim().to_owned();
        let words = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        let mut words = words.split('\0').skip_while(|word| *word != "forward").skip(1);
        let (leader, from) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Forwarder { pid, leader, from })
    }
}

/// A process that carries connections into a machine.
struct Forwarder {
    pid: String,
    leader: i32,
    from: u16,
}

/// Whether this host can boot a machine, or why not.
pub(crate) fn possible() -> Result<()> {
    ensure!(crate::shell::is_root(), "booting a machine needs root: run this with sudo");
    ensure!(
        succeeds(&mut command("unshare", &["--mount", "--pid", "--fork", "true"])),
        "this host gives no namespaces to root (is this a restricted container?), so no machine can be booted here"
    );
    Ok(())
}

/// The shared root, made on first use.
fn shared_root(packages: &[&str]) -> Result<PathBuf> {
    let root = paths::cache().join(format!("root-{}-{}", root::SUITE, root::key(packages, "")));
    if root.exists() {
        return Ok(root);
    }
    step("making the machine's Debian root (once)", || {
        std::fs::create_dir_all(paths::cache())?;
        let partial = root.with_extension("partial");
        root::make(&partial, packages)?;
        std::fs::rename(&partial, &root).context("put the root in place")
    })?;
    Ok(root)
}

/// Carries connections of `127.0.0.1:from` here to `127.0.0.1:to` in the network of process `pid`, until that ends.
pub(crate) fn forward(pid: i32, from: u16, to: u16) -> Result<()> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", from))?;
    let network = std::fs::File::open(format!("/proc/{pid}/ns/net")).context("the machine's network")?;
    // This thread enters the machine's network and stays there; the listener was made outside and remains outside.
    nix::sched::setns(&network, nix::sched::CloneFlags::CLONE_NEWNET).context("enter the machine's network")?;
    std::thread::spawn(move || {
        while Path::new(&format!("/proc/{pid}")).exists() {
            std::thread::sleep(Duration::from_secs(1));
        }
        std::process::exit(0);
    });
    for outside in listener.incoming() {
        let outside = outside?;
        std::thread::spawn(move || -> Result<()> {
            let inside = std::net::TcpStream::connect(("127.0.0.1", to))?;
            for stream in [&outside, &inside] {
                stream.set_nodelay(true)?;
            }
            let (mut a, mut b) = (outside.try_clone()?, inside.try_clone()?);
            let back = std::thread::spawn(move || {
                // An end of either side ends both: what is lost was on its way to nobody.
                let _ = std::io::copy(&mut b, &mut a);
                let _ = a.shutdown(std::net::Shutdown::Both);
            });
            let (mut a, mut b) = (outside, inside);
            let _ = std::io::copy(&mut a, &mut b);
            let _ = b.shutdown(std::net::Shutdown::Write);
            drop(back.join());
            Ok(())
        });
    }
    Ok(())
}
