//! Boots the image in QEMU, as people do, and sees that each copy becomes a machine of its own. The tests are one story of two copies: each goes
//! on where the one before has stopped.
//!
//! The processor is emulated, so a boot takes minutes. The power is cut by killing QEMU: what the guest has in memory alone is lost.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::services::free_port;
use crate::shell::{command, output, run_quietly};
use crate::test::Counts;
use crate::{install, qemu};

/// How long a boot may take, with all that is set up at the first one.
const LONGEST_BOOT: Duration = Duration::from_secs(900);
/// How long after its first words the first boot loses its power: keys and databases are being made then.
const CUT_AFTER: Duration = Duration::from_secs(25);
/// What the console says first.
const BEGINS: &str = "Bulkhead is setting itself up";
/// How much larger than the image the disk of the first copy is.
const MORE_BYTES: u64 = 3 << 30;
const PASSWORD: &str = "correct horse battery staple";
const FIRMWARE: &str = "/usr/share/OVMF";

type Test = (&'static str, fn(&mut Trial) -> Result<()>);

const TESTS: &[Test] = &[
    ("a first boot by UEFI that is cut short is made up for by the next", first_boot),
    ("the page for logging in is there, and the link makes one administrator", administrator),
    ("the machine is sound, has grown with its disk, and nobody has a password", sound),
    ("newer boot loaders install themselves; after a power cut it is the same machine, by BIOS", power_cut),
    ("another copy by BIOS, told its address by a disk, has keys of its own", another_copy),
];

/// Runs them; the last line says how many passed and failed.
pub(super) fn test(image: &Path) -> Result<()> {
    install::ensure(&[install::IMAGE_TESTS])?;
    install::ensure_qemu()?;
    let mut trial = Trial::new(image)?;
    let mut counts = Counts::default();
    for (name, test) in TESTS {
        counts.run(name, || {
            test(&mut trial).inspect_err(|_| qemu::show_end("the console", &trial.folder.path().join("console.log")))
        });
        if counts.failed > 0 {
            break;
        }
    }
    println!("{} passed, {} failed", counts.passed, counts.failed);
    ensure!(counts.failed == 0, "the image does not do what it should");
    Ok(())
}

/// What the tests share.
struct Trial {
    folder: tempfile::TempDir,
    image: PathBuf,
    /// The image's own size, in bytes.
    image_bytes: u64,
    /// The key that root is opened by.
    key: String,
    port: u16,
    machine: Option<Machine>,
    /// What the console has shown of the link.
    token: String,
    /// What only this copy has.
    identity: Vec<String>,
}

/// A copy of the image that is running. Its power goes with this value.
struct Machine {
    qemu: Child,
    console: PathBuf,
    key: PathBuf,
    port: u16,
    ssh: u16,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Firmware {
    Bios,
    Uefi,
}

impl Trial {
    fn new(image: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let key = folder.path().join("key");
        run_quietly(command("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "image-test", "-f"]).arg(&key))?;
        let image = image.canonicalize()?;
        let described = output(command("qemu-img", &["info", "--output=json"]).arg(&image))?;
        let described: Value = serde_json::from_str(&described).context("read what qemu-img says")?;
        Ok(Self {
            image_bytes: described["virtual-size"].as_u64().context("a size")?,
            key: std::fs::read_to_string(key.with_extension("pub"))?.trim().to_owned(),
            port: free_port()?,
            folder,
            image,
            machine: None,
            token: String::new(),
            identity: Vec::new(),
        })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A disk above the image, which is never written.
    fn disk(&self, name: &str, bytes: u64) -> Result<PathBuf> {
        let format = if self.image.extension().is_some_and(|found| found == "raw") { "raw" } else { "qcow2" };
        let (disk, mut create) = (self.file(name), command("qemu-img", &["create", "-q", "-f", "qcow2", "-F", format]));
        run_quietly(create.arg("-b").arg(&self.image).arg(&disk).arg(bytes.to_string()))?;
        Ok(disk)
    }

    /// Boots a disk; `more` are further words for QEMU.
    fn boot(&self, disk: &Path, firmware: Firmware, port: u16, more: &[String]) -> Result<Machine> {
        let (ssh, console) = (free_port()?, self.file("console.log"));
        let mut qemu = qemu::emulated();
        if firmware == Firmware::Uefi {
            let variables = self.file("variables.fd");
            std::fs::copy(format!("{FIRMWARE}/OVMF_VARS_4M.fd"), &variables)
                .context("copy the firmware's variables")?;
            let code = format!("if=pflash,format=raw,readonly=on,file={FIRMWARE}/OVMF_CODE_4M.fd");
            qemu.args(["-machine", "q35", "-drive", &code, "-drive"]);
            qemu.arg(format!("if=pflash,format=raw,file={}", variables.display()));
        }
        qemu.arg("-drive").arg(format!("if=virtio,format=qcow2,cache=unsafe,file={}", disk.display()));
        let forward = |from: u16, to: u16| format!("hostfwd=tcp:127.0.0.1:{from}-:{to}");
        let network = format!("user,id=net,restrict=on,{},{}", forward(port, 8443), forward(ssh, 22));
        qemu.args(["-netdev", &network, "-device", "virtio-net-pci,netdev=net"]).args(more);
        qemu.arg("-serial").arg(format!("file:{}", console.display()));
        let errors = std::fs::File::create(self.file("qemu.log"))?;
        let qemu = qemu.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).spawn().context("start QEMU")?;
        Ok(Machine { qemu, console, key: self.file("key"), port, ssh })
    }

    /// The first copy, which is told its address and its key as libvirt and QEMU do that.
    fn boot_first(&self, firmware: Firmware) -> Result<Machine> {
        let say = |name: &str, value: &str| format!("type=11,value=io.systemd.credential:{name}={value}");
        let mut words = Vec::new();
        for (name, value) in [("bulkhead.base-url", url(self.port)), ("ssh.authorized_keys.root", self.key.clone())] {
            words.extend(["-smbios".to_owned(), say(name, &value)]);
        }
        self.boot(&self.file("first.qcow2"), firmware, self.port, &words)
    }

    fn machine(&mut self) -> Result<&mut Machine> {
        self.machine.as_mut().context("the machine does not run")
    }
}

fn url(port: u16) -> String {
    format!("https://127.0.0.1:{port}")
}

impl Machine {
    /// Waits until `answer` has one.
    fn wait<T>(&mut self, what: &str, mut answer: impl FnMut(&mut Self) -> Option<T>) -> Result<T> {
        let end = Instant::now() + LONGEST_BOOT;
        loop {
            if let Some(found) = answer(self) {
                return Ok(found);
            }
            if let Some(status) = self.qemu.try_wait()? {
                bail!("QEMU ended with {status} before {what}");
            }
            ensure!(Instant::now() < end, "not within {LONGEST_BOOT:?}: {what}");
            std::thread::sleep(Duration::from_secs(2));
        }
    }

    fn console(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.console).unwrap_or_default()).into_owned()
    }

    /// The token of the link that the console shows.
    fn token(&mut self) -> Result<String> {
        let begin = format!("{}/setup?token=", url(self.port));
        self.wait("the console shows a link", |machine| {
            let console = machine.console();
            let (_, rest) = console.rsplit_once(&begin)?;
            // Whole only when something follows it.
            let (token, _) = rest.split_once(|c: char| c.is_whitespace() || c.is_control())?;
            (!token.is_empty()).then(|| token.to_owned())
        })
    }

    /// Status and body of an answer over HTTPS.
    fn ask(&self, path: &str, body: Option<&Value>) -> Result<(u16, String)> {
        let mut curl = command("curl", &["-sS", "--insecure", "-m", "60", "-w", "\n%{http_code}"]);
        if let Some(body) = body {
            curl.args(["-H", "content-type: application/json", "-d", &body.to_string()]);
        }
        let printed = output(curl.arg(format!("{}{path}", url(self.port))))?;
        let (body, status) = printed.rsplit_once('\n').context("a status")?;
        Ok((status.parse().context("a status")?, body.to_owned()))
    }

    /// What a command prints that root runs there.
    fn run(&self, line: &str) -> Result<String> {
        let mut ssh = command("ssh", &["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]);
        ssh.args(["-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o", "ConnectTimeout=60", "-i"]).arg(&self.key);
        Ok(output(ssh.args(["-p", &self.ssh.to_string(), "root@127.0.0.1", "--", line]))?.trim().to_owned())
    }

    /// What no other copy may have, a line each.
    fn identity(&self) -> Result<Vec<String>> {
        let printed = self.run(
            "set -e; cat /etc/machine-id; cut -d' ' -f2 /etc/ssh/ssh_host_*_key.pub
             for file in /etc/bulkhead/tls/api.crt /etc/bulkhead/keys/*.pub /etc/ssl/certs/ssl-cert-snakeoil.pem \
                 /var/lib/systemd/credential.secret /etc/credstore.encrypted/*; do sha256sum <\"$file\"; done
             runuser -u postgres -- psql -AtXc 'select system_identifier from pg_control_system()'",
        )?;
        let lines: Vec<String> = printed.lines().map(str::to_owned).collect();
        ensure!(lines.len() > 15, "it has but {lines:?}");
        Ok(lines)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

fn first_boot(trial: &mut Trial) -> Result<()> {
    trial.disk("first.qcow2", trial.image_bytes + MORE_BYTES)?;
    let mut machine = trial.boot_first(Firmware::Uefi)?;
    machine.wait("the first boot begins", |machine| machine.console().contains(BEGINS).then_some(()))?;
    std::thread::sleep(CUT_AFTER);
    ensure!(!machine.console().contains("/setup?token="), "it was set up before its power was cut");
    drop(machine);
    let mut machine = trial.boot_first(Firmware::Uefi)?;
    trial.token = machine.token()?;
    trial.machine = Some(machine);
    Ok(())
}

fn administrator(trial: &mut Trial) -> Result<()> {
    let token = trial.token.clone();
    let machine = trial.machine()?;
    let (status, page) = machine.ask("/", None)?;
    ensure!(status == 200 && page.contains("<title>Bulkhead</title>"), "the page is {status}: {page}");
    let (status, _) = machine.ask("/api/v1/session", None)?;
    ensure!(status == 401, "without a log-in a session is {status}");
    let redeem = json!({ "token": token, "password": PASSWORD, "email": "ada@example.org", "name": "Ada" });
    let (status, answer) = machine.ask("/api/v1/one-time-links/redeem", Some(&redeem))?;
    ensure!(status == 200, "the link's answer is {status}: {answer}");
    let (status, _) = machine.ask("/api/v1/one-time-links/redeem", Some(&redeem))?;
    ensure!(status == 410, "used again, the link's answer is {status}");
    machine.wait("the console shows the link no more", |machine| {
        machine.run("test -e /var/lib/bulkhead/first-boot/done && ! test -e /run/issue.d/50-bulkhead.issue").ok()
    })?;
    let logged = machine.run(&format!("journalctl --no-pager | grep -cF {token} || true"))?;
    ensure!(logged == "0", "the journal has the link {logged} times");
    Ok(())
}

fn sound(trial: &mut Trial) -> Result<()> {
    let image_bytes = trial.image_bytes;
    let machine = trial.machine()?;
    machine.run("timeout 300 systemctl is-system-running --wait || true")?;
    let failed = machine.run("systemctl list-units --failed --plain --no-legend")?;
    ensure!(failed.is_empty(), "failed units: {failed}");
    machine.run("bulkheadctl doctor && bulkheadctl status")?;
    let bytes: u64 = machine.run("df --output=size -B1 / | tail -n 1")?.parse().context("the root's size")?;
    ensure!(bytes > image_bytes, "the root has {bytes} bytes, the image had {image_bytes}");
    let open =
        machine.run("awk -F: '$2 !~ /^[!*]/' /etc/shadow; sshd -T | grep -i '^passwordauthentication yes' || true")?;
    ensure!(open.is_empty(), "somebody can come by a password: {open}");
    Ok(())
}

fn power_cut(trial: &mut Trial) -> Result<()> {
    let machine = trial.machine()?;
    // What apt does after an upgrade of GRUB or shim, and of the kernel.
    machine.run("sh /var/lib/dpkg/info/grub-cloud-amd64.postinst triggered && update-grub && sync")?;
    trial.identity = trial.machine()?.identity()?;
    trial.machine = None;
    let mut machine = trial.boot_first(Firmware::Bios)?;
    machine.wait("the page is there again", |machine| {
        machine.ask("/", None).is_ok_and(|(status, _)| status == 200).then_some(())
    })?;
    machine.wait("api is ready", |machine| {
        machine.ask("/readyz", None).is_ok_and(|(status, _)| status == 200).then_some(())
    })?;
    let (status, answer) =
        machine.ask("/api/v1/login", Some(&json!({ "email": "ada@example.org", "password": PASSWORD })))?;
    ensure!(status == 200, "the administrator's log-in is {status}: {answer}");
    let identity = machine.identity()?;
    ensure!(identity == trial.identity, "it was {:?} and is {identity:?}", trial.identity);
    ensure!(!machine.console().contains("/setup?token="), "the console shows a link again");
    Ok(())
}

fn another_copy(trial: &mut Trial) -> Result<()> {
    let (disk, port) = (trial.disk("second.qcow2", trial.image_bytes)?, free_port()?);
    let config = trial.file("config.img");
    run_quietly(command("/usr/sbin/mkfs.vfat", &["-n", "BULKHEAD", "-C"]).arg(&config).arg("2048"))?;
    for (name, text) in [("bulkhead.base-url", url(port)), ("ssh.authorized_keys.root", trial.key.clone())] {
        std::fs::write(trial.file(name), text + "\n")?;
        run_quietly(command("mcopy", &["-i"]).arg(&config).arg(trial.file(name)).arg("::/"))?;
    }
    let drive = format!("if=virtio,format=raw,readonly=on,file={}", config.display());
    let mut machine = trial.boot(&disk, Firmware::Bios, port, &["-drive".to_owned(), drive])?;
    machine.token()?;
    let identity = machine.identity()?;
    let shared: Vec<_> = identity.iter().filter(|line| trial.identity.contains(line)).collect();
    ensure!(shared.is_empty(), "both copies have {shared:?}");
    Ok(())
}
