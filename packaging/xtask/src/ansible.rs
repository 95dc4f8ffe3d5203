//! `ansible`: the collection, linted and played by the real Ansible over ssh, to a machine that was just booted.
//!
//! The machine has no network but a forwarded port for ssh, so the plays also show that they fetch nothing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::machine::Machine;
use crate::pypi::ANSIBLE;
use crate::services::free_port;
use crate::shell::{command, output, run_quietly, step};
use crate::test::Counts;
use crate::{deb, install, machine, paths, up};

/// What Ansible finds on the other side.
const PACKAGES: &[&str] = &["openssh-server", "python3-apt"];

/// What the tests share.
struct Play {
    machine: Machine,
    folder: tempfile::TempDir,
    debs: PathBuf,
}

type Test = (&'static str, fn(&Play) -> Result<()>);

const TESTS: &[Test] = &[
    ("ansible-lint finds no fault", lint),
    ("single_vm installs, configures and sets up", installs),
    ("a second run changes nothing", changes_nothing),
    ("rolling_upgrade installs newer packages and fails no request", upgrades),
    ("a second upgrade changes nothing", upgrades_once),
    ("rolling_upgrade leaves a machine alone that is not healthy", halts),
];

/// Runs them; the last line says how many passed and failed.
pub(crate) fn ansible(programs: Option<&Path>) -> Result<()> {
    machine::possible()?;
    install::ensure(&[install::PACKAGES, install::MACHINE, install::ANSIBLE])?;
    deb::build_from(programs)?;
    let machine = Machine::with("ansible", PACKAGES);
    machine.stop_forwarder()?;
    machine.stop().and_then(|()| machine.forget())?;
    step("booting a machine for Ansible", || machine.boot())?;
    up::accept_missing_cgroup_limits(&machine)?;
    let play = Play { machine, folder: tempfile::tempdir()?, debs: paths::cache().join("deb") };
    play.open_the_door()?;
    let mut counts = Counts::default();
    for (name, test) in TESTS {
        counts.run(name, || test(&play));
    }
    play.machine.stop_forwarder()?;
    play.machine.stop()?;
    println!("{} passed, {} failed", counts.passed, counts.failed);
    ensure!(counts.failed == 0, "the machine is kept for a look: {}", play.machine.file("merged").display());
    play.machine.forget()
}

impl Play {
    /// A key for root, a way to the machine's sshd, an inventory, and the collection where Ansible looks for it.
    fn open_the_door(&self) -> Result<()> {
        let (folder, key) = (self.folder.path(), self.folder.path().join("key"));
        run_quietly(command("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key))?;
        self.machine.write("/root/.ssh/authorized_keys", &std::fs::read_to_string(key.with_extension("pub"))?)?;
        self.machine.output(&["systemctl", "enable", "--quiet", "--now", "ssh.service"])?;
        let port = free_port()?;
        self.machine.start_forwarder(port, 22)?;
        let inventory = format!(
            "vm1 ansible_host=127.0.0.1 ansible_port={port} ansible_user=root ansible_ssh_private_key_file={} \
             ansible_python_interpreter=/usr/bin/python3 \
             ansible_ssh_common_args='-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR'\n",
            key.display()
        );
        std::fs::write(folder.join("inventory"), inventory)?;
        let collection = self.collection();
        std::fs::create_dir_all(collection.parent().context("a folder")?)?;
        // A copy: the linter writes beside what it reads.
        run_quietly(command("cp", &["-r"]).arg(paths::repository().join("ansible")).arg(&collection))
    }

    fn collection(&self) -> PathBuf {
        self.folder.path().join("ansible_collections/bulkhead/bulkhead")
    }

    /// One of Ansible's programs, which finds the others of its environment and nothing of this person's settings.
    fn program(&self, name: &str) -> Result<Command> {
        let program = ANSIBLE.program(name)?;
        let own = program.parent().context("a folder")?.display().to_string();
        #[allow(clippy::disallowed_methods, reason = "the programs that Ansible starts are found as usual")]
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = command(&program, &[]);
        command.env("PATH", format!("{own}:{path}")).env("ANSIBLE_HOME", self.folder.path().join("home"));
        command
            .env("ANSIBLE_COLLECTIONS_PATH", self.folder.path())
            .env("ANSIBLE_NOCOLOR", "1")
            .env("LC_ALL", "C.UTF-8");
        Ok(command)
    }

    /// Plays a playbook of the collection; what it printed.
    fn play(&self, playbook: &str, packages: &Path) -> Result<String> {
        let variables = serde_json::json!({
            "bulkhead_packages_directory": packages,
            "bulkhead_base_url": "https://tools.example.org:8443",
            "bulkhead_config": { "api": { "additional-hosts": ["127.0.0.1"], "limits": { "webhook-wait-s": 50 } } },
        });
        let mut play = self.program("ansible-playbook")?;
        play.arg(format!("bulkhead.bulkhead.{playbook}")).arg("-i").arg(self.folder.path().join("inventory"));
        output(play.args(["-e", &variables.to_string()]).current_dir(self.folder.path()))
    }
}

fn lint(play: &Play) -> Result<()> {
    run_quietly(
        play.program("ansible-lint")?.args(["--offline", "--nocolor", "--strict", "."]).current_dir(play.collection()),
    )
}

fn installs(play: &Play) -> Result<()> {
    let printed = play.play("single_vm", &play.debs)?;
    ensure!(printed.contains("admin-link: https://tools.example.org:8443/"), "it shows no link:\n{printed}");
    play.machine.output(&["bulkheadctl", "status"])?;
    let fragment = play.machine.output(&["cat", "/etc/bulkhead/api.d/50-ansible.toml"])?;
    ensure!(fragment.contains("webhook-wait-s = 50"), "the settings are {fragment}");
    Ok(())
}

fn changes_nothing(play: &Play) -> Result<()> {
    unchanged(&play.play("single_vm", &play.debs)?)
}

/// By the recap, which ends every play.
fn unchanged(printed: &str) -> Result<()> {
    let recap = printed.lines().find(|line| line.contains("changed=")).context("it prints no recap")?;
    ensure!(recap.contains("changed=0") && recap.contains("failed=0"), "{recap}\n{printed}");
    Ok(())
}

fn upgrades(play: &Play) -> Result<()> {
    let newer = play.folder.path().join("newer");
    std::fs::create_dir_all(&newer)?;
    deb::newer(&play.debs, &newer)?;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (asked, printed) = std::thread::scope(|scope| {
        let asked = scope.spawn(|| ask_all_the_time(play, &stop));
        let printed = play.play("rolling_upgrade", &newer);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        (asked.join(), printed)
    });
    let printed = printed?;
    let version = play.machine.output(&["dpkg-query", "--show", "--showformat", "${Version}", "bulkhead-api"])?;
    ensure!(version == deb::NEWER, "bulkhead-api is {version}:\n{printed}");
    let (asked, failed) = asked.map_err(|_| anyhow::anyhow!("asking panicked"))?;
    ensure!(asked > 5 && failed == 0, "{failed} of {asked} requests failed meanwhile");
    Ok(())
}

/// How many requests were made, and how many of them failed.
fn ask_all_the_time(play: &Play, stop: &std::sync::atomic::AtomicBool) -> (u32, u32) {
    let (mut asked, mut failed) = (0, 0);
    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
        let ask = ["curl", "-sf", "-m", "30", "-o", "/dev/null", "http://127.0.0.1:8080/healthz"];
        asked += 1;
        failed += u32::from(!play.machine.command(&ask).status().is_ok_and(|status| status.success()));
        std::thread::sleep(Duration::from_millis(100));
    }
    (asked, failed)
}

fn upgrades_once(play: &Play) -> Result<()> {
    unchanged(&play.play("rolling_upgrade", &play.folder.path().join("newer"))?)
}

/// Without its database the machine is not healthy; the packages stay as they are, although others are offered.
fn halts(play: &Play) -> Result<()> {
    play.machine.output(&["systemctl", "stop", "postgresql"])?;
    let end = Instant::now() + Duration::from_secs(60);
    while play.machine.output(&["bulkheadctl", "status"]).is_ok() {
        ensure!(Instant::now() < end, "status does not see that PostgreSQL is away");
        std::thread::sleep(Duration::from_secs(1));
    }
    let played = play.play("rolling_upgrade", &play.debs);
    let version = play.machine.output(&["dpkg-query", "--show", "--showformat", "${Version}", "bulkhead-api"])?;
    ensure!(played.is_err(), "the play went on");
    ensure!(version == deb::NEWER, "bulkhead-api was changed to {version}");
    Ok(())
}
