//! The root's tree: Debian, Bulkhead from its signed repository, the image's own files, and nothing that only one machine may have.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use super::boot::{self, Bios};
use super::disk::Layout;
use crate::shell::{command, run_quietly, step};
use crate::{deb, paths, root};

/// What the image has of Debian. The whole kernel and not that of clouds, which lacks the disks and networks of VMware and of real machines.
/// pandas and numpy are what Bulkhead's package only recommends.
const PACKAGES: [&str; 31] = [
    "adduser",
    "ca-certificates",
    "curl",
    "dbus",
    "git",
    "grub-cloud-amd64",
    "initramfs-tools",
    "iproute2",
    "less",
    "libnss-resolve",
    "libnss-systemd",
    "libpam-systemd",
    "linux-image-amd64",
    "nano",
    "nftables",
    "nodejs",
    "openssh-client",
    "openssh-server",
    "openssl",
    "postgresql",
    "procps",
    "python3",
    "python3-numpy",
    "python3-pandas",
    "ssl-cert",
    "systemd-repart",
    "systemd-resolved",
    "systemd-sysv",
    "systemd-timesyncd",
    "tzdata",
    "udev",
];

/// Manuals and translations are left out; what is free to be passed on has its licence with it.
const DPKG: [&str; 5] = [
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-include=/usr/share/doc/bulkhead*",
];

/// Where the repository is while packages are installed from it.
const REPOSITORY: &str = "/run/bulkhead-repository";

/// Done inside, by Debian's own programs: no network is there, so all comes from the repository, checked by its script and by apt.
const INSIDE: &str = "
export LC_ALL=C.UTF-8
\"$1\"/install.sh
rm /etc/apt/sources.list.d/bulkhead.sources
systemctl enable --quiet bulkhead-first-boot.service image-config-disk.service ssh.service \\
    systemd-networkd.service systemd-network-generator.service systemd-resolved.service systemd-timesyncd.service
# Nobody is asked for newer packages before somebody wants that.
systemctl mask --quiet apt-daily.timer apt-daily-upgrade.timer
install -d /boot/grub/i386-pc /boot/efi
cp /usr/lib/grub/i386-pc/*.mod /usr/lib/grub/i386-pc/*.lst /boot/grub/i386-pc/
grub-mkimage --format=i386-pc --prefix=/boot/grub --config=/boot/grub/finder.cfg --output=/boot/grub/i386-pc/core.img $2
rm /boot/grub/finder.cfg
usermod --lock root
";

/// What is removed: made by the installation of packages, and on its own on every machine.
const OF_ONE_MACHINE: [&str; 16] = [
    "etc/hostname",
    "etc/machine-id",
    "etc/postgresql",
    "etc/resolv.conf",
    "etc/ssh/ssh_host_*",
    "etc/ssl/certs/ssl-cert-snakeoil.pem",
    "etc/ssl/private",
    "tmp",
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/lib/dbus/machine-id",
    "var/lib/postgresql/*",
    "var/lib/systemd/credential.secret",
    "var/lib/systemd/random-seed",
    "var/log",
    "var/tmp",
];

/// Where a file is a secret, or of one machine, whatever it is called. A folder stands for all files below it.
const SECRETS: [&str; 16] = [
    "etc/bulkhead/keys/",
    "etc/bulkhead/pki/",
    "etc/bulkhead/tls/",
    "etc/credstore.encrypted/",
    "etc/credstore/",
    "etc/postgresql/",
    "etc/ssh/ssh_host_",
    "etc/ssl/private/",
    "root/.ssh/",
    "var/backups/bulkhead/",
    "var/lib/bulkhead/",
    "var/lib/bulkhead-",
    "var/lib/postgresql/",
    "var/lib/systemd/credential.secret",
    "var/lib/systemd/random-seed",
    "var/log/journal/",
];

/// Where packages come from.
pub(super) struct Source<'a> {
    /// The folder of the repositories.
    pub(super) packages: &'a Path,
    /// Whether the image keeps the key that they are signed with.
    pub(super) trusts_key: bool,
    /// Where the image will find newer ones.
    pub(super) repository: Option<&'a str>,
}

/// What goes onto the disk.
pub(super) struct Tree {
    pub(super) root: PathBuf,
    pub(super) esp: PathBuf,
    pub(super) bios: Bios,
}

/// Makes it in `folder`.
pub(super) fn make(folder: &Path, source: &Source<'_>, layout: &Layout) -> Result<Tree> {
    let (root, base) = (folder.join("tree"), debian()?);
    std::fs::create_dir_all(folder)?;
    step("copying Debian", || run_quietly(command("cp", &["-a", "--reflink=auto"]).arg(&base).arg(&root)))?;
    add_files(&root, layout)?;
    step("installing the packages from their repository", || inside(&root, source.packages))?;
    trust(&root, source)?;
    forget(&root).context("take out what is of one machine")?;
    let found = secrets(&root)?;
    ensure!(found.is_empty(), "every copy of the image would have the same: {}", found.join(", "));
    let esp = folder.join("esp");
    boot::fill_esp(&root, &esp, &layout.root_uuid)?;
    let bios = Bios { boot: root.join("usr/lib/grub/i386-pc/boot.img"), core: root.join("boot/grub/i386-pc/core.img") };
    Ok(Tree { root, esp, bios })
}

/// Debian alone, made once for each set of packages.
fn debian() -> Result<PathBuf> {
    let packages = PACKAGES.join(",");
    let key = hex::encode(Sha256::digest(format!("{} {packages} {DPKG:?}", root::SUITE)));
    let base = paths::cache().join(format!("image-root-{}-{}", root::SUITE, &key[..12]));
    if !base.exists() {
        step("making the image's Debian (once)", || {
            std::fs::create_dir_all(paths::cache())?;
            let partial = base.with_extension("partial");
            root::debian(&partial, &packages, &DPKG.map(str::to_owned))?;
            std::fs::rename(&partial, &base).context("put it in place")
        })?;
    }
    Ok(base)
}

/// The files of `packaging/image/root`, and those that depend on the disk.
fn add_files(root: &Path, layout: &Layout) -> Result<()> {
    let own = paths::repository().join("packaging/image/root");
    for file in deb::walk(&own)? {
        let name = file.strip_prefix(&own)?;
        // Whatever the checkout's modes are: its programs are for everybody to run, the rest to read.
        let mode = if name.starts_with("usr/local/sbin") { 0o755 } else { 0o644 };
        write(&root.join(name), &std::fs::read(&file)?, mode)?;
    }
    // Root's alone, and there before units that may write nothing else.
    for folder in ["etc/credstore", "etc/credstore.encrypted"] {
        std::fs::create_dir_all(root.join(folder))?;
        std::fs::set_permissions(root.join(folder), std::fs::Permissions::from_mode(0o700))?;
    }
    // It would open ways in for the hypervisor that nobody asked for, and says at each reload that it could not.
    let generators = root.join("etc/systemd/system-generators");
    std::fs::create_dir_all(&generators)?;
    symlink("/dev/null", generators.join("systemd-ssh-generator")).context("mask systemd-ssh-generator")?;
    let table = format!(
        "# Growing with the disk is systemd-repart's and systemd-growfs's.\n\
         UUID={} / ext4 errors=remount-ro,x-systemd.growfs 0 1\n\
         UUID={} /boot/efi vfat umask=0077 0 2\n",
        layout.root_uuid,
        layout.esp_uuid()
    );
    write(&root.join("etc/fstab"), table.as_bytes(), 0o644)?;
    write(&root.join("boot/grub/grub.cfg"), boot::menu(&layout.root_uuid).as_bytes(), 0o644)?;
    write(&root.join("boot/grub/finder.cfg"), boot::finder(&layout.root_uuid).as_bytes(), 0o644)
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    std::fs::create_dir_all(path.parent().context("a folder")?)?;
    std::fs::write(path, bytes).with_context(|| format!("write {}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).context("set its mode")
}

fn inside(root: &Path, packages: &Path) -> Result<()> {
    let mut nspawn = command("systemd-nspawn", &["--quiet", "--register=no", "--keep-unit", "--private-network"]);
    nspawn.args(["--resolv-conf=off", "--timezone=off", "--link-journal=no", "--pipe"]);
    nspawn.arg(format!("--bind-ro={}:{REPOSITORY}", packages.display())).arg("--directory").arg(root);
    run_quietly(nspawn.args(["sh", "-e", "-c", INSIDE, "inside", REPOSITORY, boot::BIOS_MODULES]))
}

/// The key and the address of newer packages.
fn trust(root: &Path, source: &Source<'_>) -> Result<()> {
    if !source.trusts_key {
        std::fs::remove_file(root.join("usr/share/keyrings/bulkhead.gpg")).context("forget the key")?;
    }
    let Some(url) = source.repository else { return Ok(()) };
    let text = format!(
        "Types: deb\nURIs: {url}\nSuites: stable\nComponents: main\nArchitectures: amd64\n\
         Signed-By: /usr/share/keyrings/bulkhead.gpg\n"
    );
    write(&root.join("etc/apt/sources.list.d/bulkhead.sources"), text.as_bytes(), 0o644)
}

/// Takes out what is of one machine, and puts in what makes each machine find its own.
fn forget(root: &Path) -> Result<()> {
    for pattern in OF_ONE_MACHINE {
        for path in matching(root, pattern)? {
            // Folders stay, with their owners and modes: programs expect them.
            if path.is_dir() && !path.is_symlink() {
                run_quietly(command("find", &[]).arg(&path).args(["-mindepth", "1", "!", "-type", "d", "-delete"]))?;
            } else {
                std::fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
            }
        }
    }
    // A cluster's folder would be taken for a cluster.
    for folder in ["etc/postgresql", "var/lib/postgresql"] {
        for entry in std::fs::read_dir(root.join(folder))? {
            std::fs::remove_dir_all(entry?.path())?;
        }
    }
    // Empty: systemd makes the id at the boot, without calling it the first, at which it would ask for a time zone.
    write(&root.join("etc/machine-id"), b"", 0o444)?;
    write(&root.join("etc/hostname"), b"bulkhead\n", 0o644)?;
    symlink("../run/systemd/resolve/stub-resolv.conf", root.join("etc/resolv.conf")).context("point to resolved")
}

/// What is there of a path whose last part may end, or be all but its beginning, in `*`.
fn matching(root: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let Some(start) = pattern.strip_suffix('*') else {
        let path = root.join(pattern);
        return Ok(if path.exists() || path.is_symlink() { vec![path] } else { Vec::new() });
    };
    let (folder, start) = start.rsplit_once('/').context("a pattern has a folder")?;
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root.join(folder)).with_context(|| format!("list {folder}"))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(start) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// What the tree has that every copy would share: files where secrets are kept, passwords.
fn secrets(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in deb::walk(root)? {
        let name = file.strip_prefix(root)?.to_string_lossy().into_owned();
        if SECRETS.iter().any(|secret| name.starts_with(secret)) {
            found.push(name);
        }
    }
    for line in std::fs::read_to_string(root.join("etc/shadow")).context("read the passwords")?.lines() {
        let Some((user, rest)) = line.split_once(':') else { bail!("a line of etc/shadow is `{line}`") };
        // What begins so is the password of nobody.
        if !rest.starts_with(['!', '*']) {
            found.push(format!("the password of {user}"));
        }
    }
    let id = std::fs::read_to_string(root.join("etc/machine-id")).context("read the machine's id")?;
    if !id.trim().is_empty() {
        found.push("etc/machine-id".to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree with a password file, an empty id and these files.
    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        let all = [("etc/shadow", "root:!*:1::::::\n"), ("etc/machine-id", "")];
        for (name, text) in all.into_iter().chain(files.iter().map(|name| (*name, "x"))) {
            write(&root.path().join(name), text.as_bytes(), 0o644).expect("written");
        }
        root
    }

    #[test]
    fn what_all_copies_would_share_is_found() {
        for secret in [
            "etc/ssh/ssh_host_ed25519_key",
            "etc/credstore.encrypted/bulkhead-api.seal.key",
            "root/.ssh/authorized_keys",
            "var/lib/postgresql/17/main/PG_VERSION",
            "etc/bulkhead/tls/api.key",
        ] {
            assert_eq!(secrets(tree(&[secret]).path()).expect("looks"), [secret]);
        }
        assert!(secrets(tree(&["etc/bulkhead/api.toml", "etc/ssh/sshd_config"]).path()).expect("looks").is_empty());
    }

    #[test]
    fn a_password_and_an_id_are_found() {
        let root = tree(&[]);
        std::fs::write(root.path().join("etc/shadow"), "root:$y$j9T$x:1::::::\nbin:*:1::::::\nada::1::::::\n")
            .expect("written");
        std::fs::write(root.path().join("etc/machine-id"), "0123456789abcdef\n").expect("written");
        let found = secrets(root.path()).expect("looks");
        assert_eq!(found, ["the password of root", "the password of ada", "etc/machine-id"]);
    }

    #[test]
    fn what_is_of_one_machine_goes_and_folders_stay() {
        let root = tree(&["etc/ssh/ssh_host_rsa_key", "etc/ssl/private/a.key", "etc/postgresql/17/main/x"]);
        for folder in ["var/lib/postgresql/17", "var/log/apt", "tmp"] {
            std::fs::create_dir_all(root.path().join(folder)).expect("made");
        }
        std::fs::write(root.path().join("etc/machine-id"), "0123456789abcdef\n").expect("written");
        forget(root.path()).expect("forgets");
        assert!(secrets(root.path()).expect("looks").is_empty());
        assert!(root.path().join("var/log/apt").is_dir() && root.path().join("etc/ssl/private").is_dir());
        assert!(!root.path().join("etc/postgresql/17").exists());
    }
}
