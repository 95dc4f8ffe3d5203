//! `bulkheadctl backup` and `restore` as they are called, on real databases. What stands for the machine is a folder; a machine with
//! systemd is vm-tests' matter.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bulkhead_store::test_support::migrated;
use bulkhead_test_kit::TestDatabase;
use tokio_postgres::Client;
use tokio_postgres::config::Host;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bulkheadctl");
const RUN: &str = "00000000-0000-7000-8000-000000000001";

/// A machine with an instance, or one that is to get one.
struct Machine {
    folder: tempfile::TempDir,
    main: String,
    tables: String,
    admin: String,
}

impl Machine {
    fn new(cluster: &TestDatabase, main: &str, tables: &str) -> Self {
        let config = cluster.config();
        let host = match &config.get_hosts()[0] {
            Host::Unix(path) => path.display().to_string(),
            Host::Tcp(name) => name.clone(),
        };
        let user = config.get_user().unwrap_or("postgres");
        let admin = format!("host={host} port={} user={user}", config.get_ports()[0]);
        let folder = tempfile::tempdir().expect("a directory");
        Self { folder, main: main.to_owned(), tables: tables.to_owned(), admin }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn write(&self, below: &str, content: &str, mode: u32) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, content).expect("written");
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("set");
    }

    /// `bulkheadctl WORDS`, about this machine.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        let databases = [self.main.as_str(), self.tables.as_str()];
        command.args(words).arg("--root").arg(self.folder.path()).args(["--admin", &self.admin, "--databases"]);
        command.args([databases.join(",")]);
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("started")
    }

    fn succeeds(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn fails(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(!output.status.success(), "{words:?} ended well");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// What pg_dump says of a database, whichever name it has.
    fn dump(&self, database: &str) -> String {
        let output =
            Command::new("pg_dump").arg(format!("{} dbname={database}", self.admin)).output().expect("started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Each dump has a key of its own against what is typed into it.
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines()
            .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"))
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn sql(&self, database: &str, statement: &str) -> String {
        let target = format!("{} dbname={database}", self.admin);
        let output =
            Command::new("psql").args(["-XqtA", "-v", "ON_ERROR_STOP=1", "-d", &target, "-c", statement]).output();
        let output = output.expect("started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Files and their modes below the folders that a backup is about.
    fn files(&self) -> Vec<(String, u32, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.path("etc"), self.path("var/lib")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.expect("an entry").path();
                let mode = fs::metadata(&path).expect("there").permissions().mode() & 0o777;
                let name = path.strip_prefix(self.folder.path()).expect("below").display().to_string();
                if path.is_dir() {
                    found.push((name, mode, Vec::new()));
                    folders.push(path);
                } else if !name.contains("temporal") {
                    found.push((name, mode, fs::read(&path).expect("reads")));
                }
            }
        }
        found.sort();
        found
    }
}

/// An instance with something of everything.
async fn instance() -> (TestDatabase, TestDatabase, Machine) {
    let (main, _) = migrated().await;
    let tables = TestDatabase::create().await;
    let machine = Machine::new(&main, main.name(), tables.name());
    machine.write("etc/bulkhead/api.toml", "base-url = 'https://a.example'\n", 0o644);
    machine.write("etc/bulkhead/api.d/50-own.toml", "log-level = 'debug'\n", 0o600);
    machine.write("etc/bulkhead/keys/db-connector.pub", "public", 0o644);
    machine.write("etc/bulkhead/tls/api.key", "private", 0o640);
    fs::set_permissions(machine.path("etc/bulkhead/tls"), PermissionsExt::from_mode(0o750)).expect("set");
    machine.write("etc/credstore.encrypted/bulkhead-db-connector.seal.key", "sealed", 0o600);
    machine.write("etc/credstore.encrypted/bulkhead-workflows-backend.run-token.key", "token", 0o600);
    fs::set_permissions(machine.path("etc/credstore.encrypted"), PermissionsExt::from_mode(0o700)).expect("set");
    machine.write("etc/systemd/system/bulkhead-api.service.d/override.conf", "[Service]\nMemoryMax=2G\n", 0o644);
    machine.write("var/lib/bulkhead/setup/demo-webhook.key", "{}", 0o600);
    let long = format!("var/lib/bulkhead-libraries/{}/tree/{}", "a".repeat(64), "deep/".repeat(30));
    machine.write(&format!("{long}module.py"), "x = 1\n", 0o644);
    let client = tables.connect().await;
    client.batch_execute("CREATE TABLE customers (id integer PRIMARY KEY, name text)").await.expect("made");
    client
        .batch_execute("INSERT INTO customers SELECT n, 'name ' || n FROM generate_series(1, 5000) n")
        .await
        .expect("filled");
    begin_run(&main.connect().await).await;
    (main, tables, machine)
}

/// A run, for the journal to be about.
async fn begin_run(client: &Client) {
    let made = format!(
        "INSERT INTO workflows (id, slug, title, draft) VALUES ('{RUN}', 'w', 'w', '{{}}');
         INSERT INTO workflow_releases (workflow_id, version, document) VALUES ('{RUN}', 1, '{{}}');
         INSERT INTO runs (id, workflow_id, version, status, trigger, environment_id)
            SELECT '{RUN}', '{RUN}', 1, 'running', '{{}}', id FROM environments LIMIT 1;"
    );
    client.batch_execute(&made).await.expect("made");
}

/// Temporal's database, with what is not yet in its main file.
fn temporal(machine: &Machine) -> rusqlite::Connection {
    let path = machine.path("var/lib/bulkhead-temporal/temporal.db");
    let folder = path.parent().expect("a folder");
    fs::create_dir_all(folder).expect("made");
    fs::set_permissions(folder, PermissionsExt::from_mode(0o700)).expect("set");
    let database = rusqlite::Connection::open(&path).expect("opened");
    database.pragma_update(None, "journal_mode", "WAL").expect("set");
    database.execute_batch("CREATE TABLE runs (id integer); INSERT INTO runs VALUES (1), (2);").expect("filled");
    database
}

/// A pair of keys: the file with the private one, and the public one.
fn keys(machine: &Machine) -> (String, String) {
    let file = machine.path("backup.key").display().to_string();
    let output = Command::new(PROGRAM).args(["backup", "key", &file]).output().expect("started");
    let printed = String::from_utf8(output.stdout).expect("text");
    let public = printed.lines().find_map(|line| line.strip_prefix("public-key: ")).expect("a public key");
    (file, public.to_owned())
}

/// The databases of a machine that a restore has made.
struct Dropped<'a>(&'a Machine);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        for name in [&self.0.main, &self.0.tables] {
            self.0.sql("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_comes_back_on_a_fresh_machine() {
    let (main, tables, machine) = instance().await;
    let reader = format!("reader_{}", main.name());
    machine.sql(
        tables.name(),
        &format!("CREATE ROLE {reader} LOGIN PASSWORD 'secret'; GRANT SELECT ON customers TO {reader}"),
    );
    machine.sql(tables.name(), &format!("GRANT CONNECT ON DATABASE {} TO {reader}", tables.name()));
    let open = temporal(&machine);
    let (identity, recipient) = keys(&machine);
    let file = machine.path("b").display().to_string();

    machine.succeeds(&["backup", &file, "--recipient", &recipient]);

    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    assert!(!machine.path("b.part").exists() && !machine.path("b.part.temporal").exists());
    drop(open);
    let verified =
        Command::new(PROGRAM).args(["backup", "verify", &file, "--identity", &identity]).output().expect("started");
    assert!(String::from_utf8_lossy(&verified.stdout).contains("is whole"), "{verified:?}");
    let (before_main, before_tables) = (machine.dump(main.name()), machine.dump(tables.name()));
    let fresh = Machine::new(&main, &format!("{}_m", main.name()), &format!("{}_t", tables.name()));
    let _dropped = Dropped(&fresh);
    machine.sql(tables.name(), &format!("REVOKE CONNECT ON DATABASE {} FROM {reader}", tables.name()));
    machine.sql(tables.name(), &format!("DROP OWNED BY {reader}; DROP ROLE {reader}"));

    fresh.succeeds(&["restore", &file, "--identity", &identity]);

    assert_eq!(fresh.dump(&fresh.main), before_main);
    assert_eq!(fresh.dump(&fresh.tables), before_tables);
    let (found, expected) = (fresh.files(), machine.files());
    let missing: Vec<_> = expected.iter().filter(|file| !found.contains(file)).collect();
    let more: Vec<_> = found.iter().filter(|file| !expected.contains(file)).collect();
    assert!(missing.is_empty() && more.is_empty(), "missing {missing:?}, more {more:?}");
    let back = rusqlite::Connection::open(fresh.path("var/lib/bulkhead-temporal/temporal.db")).expect("opened");
    assert_eq!(back.query_row("SELECT count(*) FROM runs", [], |row| row.get::<_, i64>(0)), Ok(2));
    let question = format!(
        "SELECT rolpassword LIKE 'SCRAM%', has_database_privilege(rolname, '{}', 'CONNECT') FROM pg_authid WHERE rolname = '{reader}'",
        fresh.tables
    );
    assert_eq!(fresh.sql("postgres", &question), "t|t");
    fresh.sql(&fresh.tables, &format!("REVOKE CONNECT ON DATABASE {} FROM {reader}", fresh.tables));
    fresh.sql(&fresh.tables, &format!("DROP OWNED BY {reader}; DROP ROLE {reader}"));
}

/// Effects are journalled, made, and journalled as made, while backups are written. In none is an effect called made that is not there, nor
/// one there that was not begun.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_one_moment_while_runs_go_on() {
    let (main, tables, machine) = instance().await;
    let (identity, recipient) = keys(&machine);
    let going_on = Arc::new(AtomicBool::new(true));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let going_on = going_on.clone();
            let (main, tables) = (main.config(), tables.config());
            tokio::spawn(async move {
                let (journal, connection) = main.connect(tokio_postgres::NoTls).await.expect("connected");
                tokio::spawn(connection);
                let (effects, connection) = tables.connect(tokio_postgres::NoTls).await.expect("connected");
                tokio::spawn(connection);
                let mut call = writer * 1_000_000;
                while going_on.load(Ordering::Relaxed) {
                    call += 1;
                    let begin = format!("INSERT INTO block_calls (run_id, block, call, request_hash, status) VALUES ('{RUN}', 'b', {call}, '', 'started')");
                    journal.batch_execute(&begin).await.expect("begun");
                    effects.batch_execute(&format!("INSERT INTO customers VALUES ({}, 'x')", 10_000_000 + call)).await.expect("made");
                    let end = format!("UPDATE block_calls SET status = 'finished' WHERE run_id = '{RUN}' AND call = {call}");
                    journal.batch_execute(&end).await.expect("ended");
                }
                call - writer * 1_000_000
            })
        })
        .collect();
    for number in 0..2 {
        let file = machine.path(&format!("b{number}")).display().to_string();
        machine.succeeds(&["backup", &file, "--recipient", &recipient]);
        let fresh = Machine::new(&main, &format!("{}_m", main.name()), &format!("{}_t", tables.name()));
        let _dropped = Dropped(&fresh);
        fresh.succeeds(&["restore", &file, "--identity", &identity]);
        let numbers = |database: &str, question: &str| -> Vec<String> {
            fresh.sql(database, question).lines().map(str::to_owned).collect()
        };
        let effects = numbers(&fresh.tables, "SELECT id - 10000000 FROM customers WHERE id > 10000000");
        let begun = numbers(&fresh.main, "SELECT call FROM block_calls");
        let made = numbers(&fresh.main, "SELECT call FROM block_calls WHERE status = 'finished'");
        assert!(made.len() > 1, "nothing went on");
        assert!(made.iter().all(|call| effects.contains(call)), "an effect is called made and is not there");
        assert!(effects.iter().all(|call| begun.contains(call)), "an effect is there that was never begun");
    }
    going_on.store(false, Ordering::Relaxed);
    for writer in writers {
        assert!(writer.await.expect("no write was refused") > 10);
    }
}

#[tokio::test]
async fn an_instance_is_restored_over_only_when_that_is_said() {
    let (main, _tables, machine) = instance().await;
    let (identity, recipient) = keys(&machine);
    let file = machine.path("b").display().to_string();
    machine.succeeds(&["backup", &file, "--recipient", &recipient]);
    let before = machine.dump(main.name());
    machine.write("etc/bulkhead/api.d/60-later.toml", "", 0o644);
    machine.write("etc/bulkhead/newer-daemon.toml", "# of a newer version\n", 0o644);
    machine.write("etc/credstore.encrypted/bulkhead-api.seal.key", "later", 0o600);
    machine.write("etc/credstore.encrypted/other.key", "not ours", 0o600);
    machine.sql(main.name(), "DELETE FROM runs");

    let error = machine.fails(&["restore", &file, "--identity", &identity]);

    assert!(error.contains("--replace"), "{error}");
    assert_eq!(machine.sql(main.name(), "SELECT count(*) FROM runs"), "0");
    assert!(machine.path("etc/bulkhead/api.d/60-later.toml").exists());

    machine.succeeds(&["restore", &file, "--identity", &identity, "--replace"]);

    assert_eq!(machine.dump(main.name()), before);
    let there = |below: &str| machine.path(below).exists();
    assert!(!there("etc/bulkhead/api.d/60-later.toml") && !there("etc/credstore.encrypted/bulkhead-api.seal.key"));
    assert!(there("etc/bulkhead/newer-daemon.toml") && there("etc/credstore.encrypted/other.key"));
    for left in ["etc/bulkhead.restore", "etc/bulkhead.before-restore", "var/lib/bulkhead.restore"] {
        assert!(!there(left), "{left}");
    }
    let databases = format!("SELECT count(*) FROM pg_database WHERE datname ~ '^{}_'", main.name());
    assert_eq!(machine.sql("postgres", &databases), "0");
}

#[tokio::test]
async fn a_wrong_key_or_a_damaged_file_changes_nothing() {
    let (main, _tables, machine) = instance().await;
    let (identity, recipient) = keys(&machine);
    let file = machine.path("b").display().to_string();
    machine.succeeds(&["backup", &file, "--recipient", &recipient]);
    let (files, before) = (machine.files(), machine.dump(main.name()));
    let other = Machine::new(&main, "unused", "unused");
    let (wrong, _) = keys(&other);
    assert!(machine.fails(&["restore", &file, "--identity", &wrong, "--replace"]).contains("does not fit"));
    let whole = fs::read(&file).expect("reads");
    fs::write(&file, &whole[..whole.len() - 100]).expect("cut");
    machine.fails(&["restore", &file, "--identity", &identity, "--replace"]);
    assert_eq!(machine.files(), files);
    assert_eq!(machine.dump(main.name()), before);
    assert!(machine.fails(&["backup", &file, "--recipient", &recipient]).contains("is there already"));
    let nobody = machine.path("c").display().to_string();
    assert!(machine.fails(&["backup", &nobody]).contains("nobody could read"));
}

/// A passphrase, and the configured keys of the timer.
#[tokio::test]
async fn a_passphrase_opens_what_it_closed_and_the_timer_needs_none() {
    let (_main, _tables, machine) = instance().await;
    machine.write("passphrase", "correct horse battery\n", 0o600);
    machine.write("short", "horse\n", 0o600);
    let (file, passphrase) =
        (machine.path("b").display().to_string(), machine.path("passphrase").display().to_string());
    let short = machine.path("short").display().to_string();
    assert!(machine.fails(&["backup", &file, "--passphrase-file", &short]).contains("at least"));
    machine.succeeds(&["backup", &file, "--passphrase-file", &passphrase]);
    let verify = |key: &[&str], file: &str| {
        Command::new(PROGRAM).args(["backup", "verify", file]).args(key).output().expect("started")
    };
    assert!(verify(&["--passphrase-file", &passphrase], &file).status.success());
    let (identity, recipient) = keys(&machine);
    assert!(!verify(&["--identity", &identity], &file).status.success());
    machine.write("etc/bulkhead/backup.recipients", &format!("# the safe\n{recipient}\n"), 0o644);
    let folder = machine.path("nightly");
    fs::create_dir(&folder).expect("made");
    let into = folder.display().to_string();
    fs::write(folder.join("bulkhead-20200101T000000Z.backup"), "old").expect("written");
    machine.succeeds(&["backup", "--into", &into, "--keep", "1"]);
    let files: Vec<PathBuf> = fs::read_dir(&folder).expect("listed").map(|entry| entry.expect("one").path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(verify(&["--identity", &identity], &files[0].display().to_string()).status.success());
}

/// On a real disk that is too small: a mount of its own for one call.
#[tokio::test]
async fn a_full_disk_leaves_no_half_file() {
    let (_main, _tables, machine) = instance().await;
    let mut noise = Vec::new();
    File::open("/dev/urandom").expect("opened").take(3 << 20).read_to_end(&mut noise).expect("reads");
    fs::create_dir_all(machine.path("var/lib/bulkhead")).expect("made");
    fs::write(machine.path("var/lib/bulkhead/noise"), noise).expect("written");
    let (_, recipient) = keys(&machine);
    let disk = machine.path("disk");
    fs::create_dir(&disk).expect("made");
    let file = disk.join("b").display().to_string();
    let backup = machine.command(&["backup", &file, "--recipient", &recipient]);
    let script = "mount -t tmpfs -o size=1m none \"$0\" && { \"$@\"; echo \"code $?\"; ls -A \"$0\"; }";
    // As root without a user namespace, in which the folder of PostgreSQL's socket would be out of reach.
    let namespaces: &[&str] = match nix::unistd::geteuid().is_root() {
        true => &["--mount"],
        false => &["--user", "--map-root-user", "--mount"],
    };
    let mut unshare = Command::new("unshare");
    unshare.args(namespaces).args(["sh", "-c", script]).arg(&disk).arg(PROGRAM).args(backup.get_args());

    let output = unshare.output().expect("started");

    let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(error.contains("is full") && error.contains("name a file elsewhere"), "{said}{error}");
    assert!(said.ends_with("code 1\n"), "the folder is empty: {said}");
}
