//! A guest: the real packages under a kernel of their own, in QEMU. What a container on this host cannot show is shown here:
//! limits by cgroup v2, another kernel, reboots and power cuts.
//!
//! The guest has no network. Its second disk, read-only, is a tar archive with the packages, the tests and a script that starts
//! them; what the tests print comes back through a virtio port, a line each. A test run begins with an empty overlay above the
//! cached disk and boots as often as the tests ask for it.

mod image;

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::shell::{command, run, run_quietly};
use crate::test::Counts;
use crate::{deb, install, machine, paths};
use image::{Image, image};

/// Seconds that one boot may take with its tests; an emulated guest is ten times slower than its host.
const LONGEST_BOOT_S: &str = "1200";
/// More than the tests ask for: a guest that boots for ever is broken.
const MOST_BOOTS: u32 = 5;
/// What the tests print to be booted again, and when they have ended. `vm-tests` has the same words.
const BOOT_AGAIN: &str = "BOOT AGAIN";
const END: &str = "END";
/// How much of the console is shown for a failure.
const CONSOLE_LINES: usize = 40;

/// Whether this host can boot a guest; installs what is missing, or says what that is.
pub(crate) fn possible() -> Result<()> {
    machine::possible()?;
    install::ensure(&[install::GUEST])?;
    install::ensure_qemu()
}

/// Boots a new guest and runs the tests in it, or those whose names contain one of `filters`.
pub(crate) fn test(filters: &[String], counts: &mut Counts) -> Result<()> {
    possible()?;
    let guest = Guest::prepare(true, "inside", filters)?;
    let (before, started) = (counts.failed, Instant::now());
    for _ in 0..MOST_BOOTS {
        if guest.boot(counts)? == Next::Ended {
            break;
        }
    }
    eprintln!("  the guest's tests: done in {:.1} s", started.elapsed().as_secs_f64());
    if counts.failed > before {
        eprintln!("the guest's disk is kept for a look: cargo xtask vm --shell");
        return Ok(());
    }
    guest.forget()
}

/// `vm`: the guest's tests alone.
pub(crate) fn vm(filters: &[String]) -> Result<()> {
    let mut counts = Counts::default();
    test(filters, &mut counts)?;
    println!("{} passed, {} failed", counts.passed, counts.failed);
    ensure!(counts.failed == 0, "some tests failed");
    ensure!(counts.passed > 0, "no test ran");
    Ok(())
}

/// Boots the guest that the last failed test has left, or a new one with the packages and the demo, with its console here.
pub(crate) fn shell(fresh: bool) -> Result<()> {
    possible()?;
    let guest = Guest::prepare(fresh, "set-up", &[])?;
    eprintln!("  the console: root needs no password, `poweroff` or Ctrl-A X ends it");
    eprintln!("  what the set-up says: {}", guest.file("results.log").display());
    let mut qemu = guest.command();
    qemu.args(["-serial", "mon:stdio", "-chardev"]).arg(format!("file,id=results,path={}", guest.path("results.log")));
    run(&mut qemu)
}

/// What comes after a boot.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Boot,
    Ended,
}

/// The guest and its files.
struct Guest {
    folder: PathBuf,
    image: Image,
}

impl Guest {
    /// Lays out its disks. The tests' program is started with the word and the arguments.
    fn prepare(fresh: bool, word: &str, arguments: &[String]) -> Result<Self> {
        let packages = deb::build()?;
        let guest = Self { folder: paths::cache().join("machines/guest"), image: image()? };
        if fresh {
            guest.forget()?;
        }
        std::fs::create_dir_all(&guest.folder)?;
        if !guest.file("disk.qcow2").exists() {
            let mut create = command("qemu-img", &["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]);
            run_quietly(create.arg(&guest.image.disk).arg(guest.file("disk.qcow2")))?;
        }
        guest.write_instructions(&packages, word, arguments)?;
        Ok(guest)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A file's path as QEMU's options want it, where a comma separates them.
    fn path(&self, name: &str) -> String {
        self.file(name).display().to_string().replace(',', ",,")
    }

    /// Forgets everything that it has written.
    fn forget(&self) -> Result<()> {
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder).with_context(|| format!("remove {}", self.folder.display()))?;
        }
        Ok(())
    }

    fn write_instructions(&self, packages: &[PathBuf], word: &str, arguments: &[String]) -> Result<()> {
        let staged = self.file("instructions");
        std::fs::create_dir_all(&staged)?;
        let tests = paths::binaries()?.join("bulkhead-vm-tests");
        run_quietly(command("cp", &["--"]).args(packages).arg(tests).arg(&staged))?;
        let quoted: String = arguments.iter().map(|word| format!(" '{}'", word.replace('\'', r"'\''"))).collect();
        let start = staged.join("start");
        std::fs::write(&start, format!("#!/bin/sh\nexec ./bulkhead-vm-tests {word}{quoted}\n"))?;
        std::fs::set_permissions(&start, std::fs::Permissions::from_mode(0o755))?;
        let mut tar = command("tar", &["-c", "-C"]);
        run_quietly(tar.arg(&staged).arg("-f").arg(self.file("instructions.tar")).arg("."))?;
        std::fs::remove_dir_all(&staged).context("remove the staged instructions")
    }

    /// QEMU, without where its console and its results go.
    fn command(&self) -> Command {
        let drive = |name: &str, more: &str| format!("if=virtio,file={},{more}", self.path(name));
        let mut qemu = emulated();
        qemu.args(["-no-reboot", "-nic", "none"]);
        qemu.arg("-kernel").arg(&self.image.kernel).arg("-initrd").arg(&self.image.initrd);
        // A panic ends the guest, and with it the wait for its tests.
        qemu.args(["-append", "root=/dev/vda rw console=ttyS0 panic=-1 quiet systemd.show_status=error"]);
        // The host keeps what the guest has written even if that ends without a word: only the guest's own memory is lost.
        qemu.arg("-drive").arg(drive("disk.qcow2", "format=qcow2,cache=unsafe"));
        qemu.arg("-drive").arg(drive("instructions.tar", "format=raw,readonly=on"));
        qemu.args(["-device", "virtio-serial-pci"]);
        qemu.args(["-device", "virtserialport,chardev=results,name=bulkhead.results"]);
        qemu
    }

    /// Boots it and counts the tests that it says have ended.
    fn boot(&self, counts: &mut Counts) -> Result<Next> {
        let qemu = self.command();
        let mut timed = command("timeout", &["--foreground", "--signal=KILL", LONGEST_BOOT_S]);
        timed.arg(qemu.get_program()).args(qemu.get_args());
        timed.args(["-chardev", "file,id=results,path=/dev/stdout", "-serial"]);
        timed.arg(format!("file:{}", self.file("console.log").display()));
        let errors = std::fs::File::create(self.file("qemu.log"))?;
        let mut child =
            timed.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).spawn().context("start QEMU")?;
        let mut next = None;
        for line in BufReader::new(child.stdout.take().context("a pipe")?).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).trim_end().to_owned();
            match line.as_str() {
                BOOT_AGAIN => next = Some(Next::Boot),
                END => next = Some(Next::Ended),
                _ => eprintln!("{line}"),
            }
            if line.starts_with("PASS ") {
                counts.passed += 1;
            } else if line.starts_with("FAIL ") {
                counts.failed += 1;
                self.show_console();
            }
        }
        let status = child.wait()?;
        Ok(next.unwrap_or_else(|| {
            counts.failed += 1;
            eprintln!("FAIL the guest ended without a word, QEMU with {status} (124 or 137: after {LONGEST_BOOT_S} s)");
            show_end("QEMU", &self.file("qemu.log"));
            self.show_console();
            Next::Ended
        }))
    }

    fn show_console(&self) {
        show_end("the guest's console", &self.file("console.log"));
    }
}

/// QEMU with a processor, memory and no screen. Emulated everywhere: a KVM that is there but incomplete, as in many virtual machines,
/// aborts QEMU instead of refusing.
pub(crate) fn emulated() -> Command {
    let mut qemu = command("qemu-system-x86_64", &["-accel", "tcg,thread=multi"]);
    qemu.args(["-cpu", "max", "-smp", "2", "-m", "3072", "-display", "none", "-device", "virtio-rng-pci"]);
    qemu
}

/// The last lines of what a program or a guest has said into a file.
pub(crate) fn show_end(what: &str, file: &Path) {
    let text = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    eprintln!("  the end of what {what} said ({}):", file.display());
    for line in &lines[lines.len().saturating_sub(CONSOLE_LINES)..] {
        // Colours and cursor movements of the guest would reach this terminal.
        eprintln!("    {}", line.replace(|c: char| c.is_control(), " "));
    }
}
