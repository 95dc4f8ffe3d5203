//! Looking for faults in packages and repositories: by the distributions' own linters, by comparing both kinds, and by letting apt and dnf
//! take from the repositories what they should and refuse what was changed.
//!
//! What EL itself has is not at hand where this runs, so a repository that is made here stands for it: it provides what our packages ask of
//! others. That shows that the packages fit together and that dnf reads, verifies and resolves them, not that EL has what they ask for.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::repository::{self, Repositories};
use super::rpm;
use crate::shell::{command, output, run_quietly, succeeds};
use crate::test::Counts;
use crate::{deb, install, paths};

/// What is built.
struct Built {
    debs: Vec<PathBuf>,
    rpms: Vec<PathBuf>,
    repositories: Repositories,
}

type Check = (&'static str, fn(&Built) -> Result<()>);

const CHECKS: &[Check] = &[
    ("rpmlint finds no fault in the rpm packages", rpmlint),
    ("both kinds of packages have the same files", files_are_the_same),
    ("no rpm needs a newer C library than EL 9 has", needs_no_newer_libc),
    ("apt takes packages from the repository, and refuses a changed one", apt),
    ("dnf resolves everything, and refuses a changed repository", dnf),
    ("the bundle is whole", bundle),
];
/// Those that take minutes: they look into every file.
const SLOW_CHECKS: &[Check] = &[("lintian finds no fault in the Debian packages", lintian)];

/// Builds all and runs all.
pub(crate) fn check(programs: Option<&Path>, counts: &mut Counts) -> Result<()> {
    install::ensure(&[install::PACKAGE_CHECKS, install::LINTIAN])?;
    let built = build(programs)?;
    run(CHECKS, &built, counts);
    run(SLOW_CHECKS, &built, counts);
    Ok(())
}

/// The same without what takes long. Returns what was built.
pub(crate) fn quick(counts: &mut Counts) -> Result<Repositories> {
    install::ensure(&[install::PACKAGE_CHECKS])?;
    let built = build(None)?;
    run(CHECKS, &built, counts);
    Ok(built.repositories)
}

fn build(programs: Option<&Path>) -> Result<Built> {
    let repositories = repository::build(programs, None, None)?;
    Ok(Built { debs: deb::build_from(programs)?, rpms: rpm::build(programs)?, repositories })
}

fn run(checks: &[Check], built: &Built, counts: &mut Counts) {
    for (name, check) in checks {
        counts.run(name, || check(built));
    }
}

fn lintian(built: &Built) -> Result<()> {
    // What it says and is so on purpose:
    const KNOWN: [&str; 3] = [
        // dpkg reads packages compressed by zstd since Debian 12, whose lintian does not know it yet.
        "malformed-deb-archive",
        // Services are restarted while their sockets stay, which debhelper's own lines would not do.
        "maintainer-script-calls-systemctl",
        // bulkhead.target starts and stops all.
        "systemd-service-file-refers-to-unusual-wantedby-target",
    ];
    let mut lintian = command("lintian", &["--allow-root", "--fail-on", "error,warning", "--suppress-tags"]);
    lintian.arg(KNOWN.join(","));
    run_quietly(lintian.args(&built.debs))
}

fn rpmlint(built: &Built) -> Result<()> {
    let settings = paths::repository().join("packaging/rpm/rpmlint.toml");
    run_quietly(command("rpmlint", &["--strict", "--config"]).arg(settings).args(&built.rpms))
}

/// But for the licence and the changelog, which each kind keeps in its own place, and what lintian alone reads.
fn files_are_the_same(built: &Built) -> Result<()> {
    let is_doc = |path: &str| path.ends_with("/copyright") || path.contains("/changelog.");
    let own =
        |path: &str| path.starts_with("/usr/share/lintian/") || (path.starts_with("/usr/share/doc/") && is_doc(path));
    let lines = |text: &str| -> BTreeSet<String> {
        // `-rw-r--r-- ... PATH`: no folder of a package is a file of it.
        let files = text.lines().filter(|line| !line.starts_with('d')).filter_map(|line| {
            let (mode, path) = (line.split_whitespace().next()?, line.split_whitespace().next_back()?);
            let path = path.trim_start_matches('.');
            (!own(path)).then(|| format!("{mode} {path}"))
        });
        files.collect()
    };
    let mut compared = 0;
    for of_debian in &built.debs {
        let file = of_debian.file_name().and_then(|name| name.to_str()).context("a file's name")?;
        let name = file.split('_').next().unwrap_or_default();
        let rpm = named(&built.rpms, name)?;
        let debs = lines(&output(command("dpkg", &["-c"]).arg(of_debian))?);
        let rpms = lines(&output(command("rpm", &["-qp", "--qf", "[%{FILEMODES:perms} %{FILENAMES}\\n]"]).arg(rpm))?);
        let (more, less): (Vec<_>, Vec<_>) = (rpms.difference(&debs).collect(), debs.difference(&rpms).collect());
        ensure!(more.is_empty() && less.is_empty(), "{name}: only in the rpm: {more:?}; only in the deb: {less:?}");
        compared += debs.len();
    }
    ensure!(built.debs.len() == built.rpms.len(), "there are {} and {} packages", built.debs.len(), built.rpms.len());
    ensure!(compared > 50, "only {compared} files were compared");
    Ok(())
}

fn named<'a>(rpms: &'a [PathBuf], name: &str) -> Result<&'a PathBuf> {
    let is = |path: &&PathBuf| {
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        file.strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    rpms.iter().find(is).with_context(|| format!("there is no rpm of {name}"))
}

fn needs_no_newer_libc(built: &Built) -> Result<()> {
    const EL9: (u32, u32) = (2, 34);
    for need in needs(&built.rpms)? {
        let version = need.strip_prefix("libc.so.6(GLIBC_").and_then(|rest| rest.split(')').next()?.split_once('.'));
        let Some((major, minor)) = version else { continue };
        let needed = (major.parse()?, minor.split('.').next().unwrap_or(minor).parse()?);
        // Built on a newer system, the programs may need what EL 9 lacks; that is for release builds to avoid.
        if needed > EL9 {
            bail!("{need}: build the programs on EL 9, or on Debian 11 or older");
        }
    }
    Ok(())
}

/// What our packages ask of others.
fn needs(rpms: &[PathBuf]) -> Result<BTreeSet<String>> {
    let ask = |what: &str| output(command("rpm", &["-qp", what]).args(rpms));
    let (needs, gives) = (ask("--requires")?, ask("--provides")?);
    let gives: BTreeSet<&str> = gives.lines().map(str::trim).collect();
    let foreign = needs.lines().map(str::trim).filter(|need| !need.starts_with("rpmlib(") && !gives.contains(need));
    Ok(foreign.map(str::to_owned).collect())
}

fn apt(built: &Built) -> Result<()> {
    let place = tempfile::tempdir()?;
    // apt fetches as a user of its own.
    run_quietly(command("chmod", &["755"]).arg(place.path()))?;
    let mirror = place.path().join("mirror");
    run_quietly(command("cp", &["-r"]).arg(built.repositories.folder.join("apt")).arg(&mirror))?;
    for folder in ["lists/partial", "cache/archives/partial", "log"] {
        std::fs::create_dir_all(place.path().join(folder))?;
    }
    let key = built.repositories.folder.join("bulkhead.gpg");
    std::fs::copy(key, place.path().join("key.gpg"))?;
    let source = format!("deb [signed-by={0}/key.gpg] file:{0}/mirror stable main\n", place.path().display());
    std::fs::write(place.path().join("sources.list"), source)?;
    std::fs::write(place.path().join("status"), "")?;
    let apt = |arguments: &[&str]| {
        let set = |option: &str, path: &str| format!("-o{option}={}", place.path().join(path).display());
        let mut apt = command("apt-get", &["-oDir::Etc::sourceparts=-", "-oAPT::Sandbox::User=root"]);
        apt.args([
            set("Dir::Etc::sourcelist", "sources.list"),
            set("Dir::State::lists", "lists"),
            set("Dir::State::status", "status"),
            set("Dir::Cache", "cache"),
            set("Dir::Log", "log"),
        ]);
        apt.args(arguments).current_dir(place.path());
        apt
    };
    run_quietly(&mut apt(&["--error-on=any", "update"]))?;
    run_quietly(&mut apt(&["download", "bulkhead", "bulkhead-common", "bulkheadctl"]))?;
    let package = deb::with_extension(&mirror.join("pool"), "deb")?.into_iter().next().context("a package")?;
    let mut bytes = std::fs::read(&package)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&package, bytes)?;
    let name = package.file_name().and_then(|name| name.to_str()).and_then(|name| name.split('_').next());
    // A file: repository is read in place unless a copy is asked for.
    let mut changed = apt(&["download", name.context("a package's name")?]);
    run_quietly(command("sh", &["-c", "rm -f -- *.deb"]).current_dir(place.path()))?;
    ensure!(!succeeds(&mut changed), "apt took a package that was changed");
    let index = mirror.join("dists/stable/InRelease");
    let text = std::fs::read_to_string(&index)?.replace("Suite: stable", "Suite: unstable");
    std::fs::write(&index, text)?;
    std::fs::remove_dir_all(place.path().join("lists"))?;
    std::fs::create_dir_all(place.path().join("lists/partial"))?;
    ensure!(!succeeds(&mut apt(&["--error-on=any", "update"])), "apt took an index that was changed");
    Ok(())
}

fn dnf(built: &Built) -> Result<()> {
    let place = tempfile::tempdir()?;
    let base = stub_base(built, place.path())?;
    let mirror = place.path().join("mirror");
    run_quietly(command("cp", &["-r"]).arg(built.repositories.folder.join("dnf")).arg(&mirror))?;
    let install = |root: &str| {
        let mut dnf = command("dnf", &["--assumeyes", "--quiet", "--releasever=9", "--setopt=reposdir=/nonexistent"]);
        dnf.arg("--installroot").arg(place.path().join(root));
        dnf.arg(format!("--repofrompath=bulkhead,file://{}", mirror.display()));
        dnf.arg(format!("--repofrompath=base,file://{}", base.display()));
        let key = built.repositories.folder.join("bulkhead.asc");
        dnf.arg(format!("--setopt=bulkhead.gpgkey=file://{}", key.display()));
        dnf.args(["--setopt=bulkhead.gpgcheck=1", "--setopt=bulkhead.repo_gpgcheck=1", "--setopt=base.gpgcheck=0"]);
        // The root has no shell to run scripts by.
        dnf.args(["--setopt=install_weak_deps=0", "--setopt=tsflags=noscripts", "install", "bulkhead"]);
        dnf
    };
    run_quietly(&mut install("root"))?;
    let mut list = command("rpm", &["-qa", "--qf", "%{NAME}\n", "--root"]);
    let installed = output(list.arg(place.path().join("root")))?;
    for rpm in &built.rpms {
        let name = output(command("rpm", &["-qp", "--qf", "%{NAME}"]).arg(rpm))?;
        ensure!(installed.lines().any(|line| line == name), "dnf did not install {name}");
    }
    ensure!(place.path().join("root/usr/bin/bulkheadctl").exists(), "dnf installed no file");
    let index = mirror.join("repodata/repomd.xml");
    let text = std::fs::read_to_string(&index)?.replacen("<revision>", "<revision>1", 1);
    std::fs::write(&index, text)?;
    ensure!(!succeeds(&mut install("other")), "dnf took an index that was changed");
    Ok(())
}

/// A repository with one package that provides what ours ask of others.
fn stub_base(built: &Built, place: &Path) -> Result<PathBuf> {
    let base = place.join("base");
    let mut spec =
        "Name: stub\nVersion: 1\nRelease: 1\nSummary: Stands for a distribution\nLicense: none\nBuildArch: noarch\n"
            .to_owned();
    for need in needs(&built.rpms)? {
        let (name, version) =
            need.split_once(" >= ").map_or((need.as_str(), None), |(name, version)| (name, Some(version)));
        match version {
            Some(version) => writeln!(spec, "Provides: {name} = {version}")?,
            None => writeln!(spec, "Provides: {name}")?,
        }
    }
    spec += "%description\nStands for a distribution.\n%files\n";
    let file = place.join("stub.spec");
    std::fs::write(&file, spec)?;
    let define = |name: &str, path: &Path| format!("{name} {}", path.display());
    let mut rpmbuild = command("rpmbuild", &["-bb", "--quiet", "--define"]);
    rpmbuild.arg(define("_topdir", &place.join("build"))).arg("--define").arg(define("_rpmdir", &base));
    run_quietly(rpmbuild.arg(&file))?;
    run_quietly(command("createrepo_c", &["--quiet"]).arg(&base))?;
    Ok(base)
}

fn bundle(built: &Built) -> Result<()> {
    let place = tempfile::tempdir()?;
    run_quietly(
        command("tar", &["--extract", "--strip-components=1", "--file"])
            .arg(&built.repositories.bundle)
            .arg("--directory")
            .arg(place.path()),
    )?;
    run_quietly(command("sha256sum", &["--check", "--quiet", "SHA256SUMS"]).current_dir(place.path()))?;
    run_quietly(
        command("gpgv", &["--keyring", "./bulkhead.gpg", "SHA256SUMS.asc", "SHA256SUMS"]).current_dir(place.path()),
    )?;
    run_quietly(command("sh", &["-n", "install.sh"]).current_dir(place.path()))?;
    ensure!(place.path().join("install.sh").exists(), "there is no install.sh");
    Ok(())
}
