//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// `bulkheadctl`.
#[derive(Debug, Parser)]
#[command(name = "bulkheadctl", version, about = "Sets up and operates Bulkhead on this machine")]
pub(crate) struct Arguments {
    /// Socket of bulkhead-api, where root is an administrator
    #[arg(long, global = true, value_name = "PATH", default_value = "/run/bulkhead/api.sock")]
    pub(crate) api_socket: PathBuf,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make databases, keys and a certificate, start the services, print how to log in. Harmless to repeat
    Setup(Setup),
    /// Every service, whether it is ready, and why not
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Wait that long until all of them are ready, as after an upgrade
        #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true, value_parser = clap::value_parser!(u64).range(..=3600))]
        wait: u64,
    },
    /// What this machine lacks, each with its fix
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// For auditors: versions, components, exposure of units, who reaches what, certificates, settings that weaken
    Report {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// With --json: put the list of components (CycloneDX) into it
        #[arg(long, requires = "json")]
        components: bool,
    },
    /// Check the configuration files of all installed daemons
    CheckConfig,
    /// Bring the database to the schema of the installed version
    Migrate,
    /// Everything of this instance in one encrypted file, while it goes on working
    Backup(Backup),
    /// Bring back what a backup holds: databases, configuration, keys, libraries
    Restore(Restore),
    /// Where the databases are
    #[command(subcommand)]
    Database(DatabaseCommand),
    /// Accounts
    #[command(subcommand)]
    User(UserCommand),
    /// The audit trail
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Apps
    #[command(subcommand)]
    App(DocumentCommand),
    /// Workflows and their runs
    #[command(subcommand)]
    Workflow(WorkflowCommand),
    /// Code on the running instance, as a block of a workflow would run
    #[command(subcommand)]
    Code(CodeCommand),
    /// Sets of libraries for code
    #[command(subcommand)]
    Libraries(LibrariesCommand),
    /// Secrets that code may use
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Programs in the sandbox that user code runs in
    #[command(subcommand)]
    Sandbox(SandboxCommand),
    /// Certificates for the daemons of an instance on several machines
    #[command(subcommand)]
    Pki(PkiCommand),
}

/// Everything, or one part of it where something other than systemd starts the daemons.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Setup {
    #[command(subcommand)]
    pub(crate) part: Option<SetupPart>,
    /// Where people will reach this instance, such as https://tools.example.org:8443
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Load the demo: a wholesaler's data, an app, a workflow
    #[arg(long)]
    pub(crate) demo: bool,
    /// Never ask; what was not given gets its default
    #[arg(long)]
    pub(crate) non_interactive: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SetupPart {
    /// Make keys and a certificate as plain files: DIR/keys, DIR/tls, DIR/credentials/<daemon>
    Keys {
        /// The folder; only its owner may read the credentials in it
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Make the roles and the databases
    Database {
        /// Connection string of a superuser, such as "host=/run/postgresql user=postgres"
        #[arg(long, value_name = "CONNINFO")]
        admin: String,
    },
    /// Fill a running instance: the built-in tables database, the first administrator's link, the demo
    Instance(Instance),
}

/// A running instance that systemd does not run.
#[derive(Debug, Args)]
pub(crate) struct Instance {
    /// Connection string of a superuser
    #[arg(long, value_name = "CONNINFO")]
    pub(crate) admin: String,
    /// Where the tables database is for bulkhead-db-connector
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5432")]
    pub(crate) tables: String,
    /// Where people reach this instance, as in api.toml
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: String,
    /// Folder to keep what a repetition has to print again
    #[arg(long, value_name = "DIR")]
    pub(crate) state: PathBuf,
    /// Load the demo
    #[arg(long)]
    pub(crate) demo: bool,
}

/// Where to write a backup, and who can read it.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Backup {
    #[command(subcommand)]
    pub(crate) command: Option<BackupCommand>,
    /// The file to write; there must be none yet
    #[arg(required_unless_present = "into")]
    pub(crate) file: Option<PathBuf>,
    /// A folder to write bulkhead-TIME.backup into, instead of a file
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    pub(crate) into: Option<PathBuf>,
    /// Afterwards keep so many of the newest files in that folder and delete the older ones
    #[arg(long, value_name = "N", requires = "into", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep: Option<u32>,
    /// A public key (age1...) whose private half can read it; may be repeated
    #[arg(long, value_name = "KEY")]
    pub(crate) recipient: Vec<String>,
    /// A file of public keys, one a line. With nothing else given: /etc/bulkhead/backup.recipients
    #[arg(long, value_name = "FILE")]
    pub(crate) recipients_file: Option<PathBuf>,
    /// Encrypt by the passphrase in this file instead; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recipient", "recipients_file"])]
    pub(crate) passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) elsewhere: Elsewhere,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Read a whole backup, check all of it, say what it is
    Verify {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        key: ReadingKey,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a key pair: the private key into FILE, which must not stay on this machine; the public one is printed
    Key {
        /// The file to write; there must be none yet
        file: PathBuf,
    },
}

/// What opens a backup.
#[derive(Debug, Args)]
pub(crate) struct ReadingKey {
    /// A file of private keys (AGE-SECRET-KEY-1...), as `backup key` makes it
    #[arg(long, value_name = "FILE", required_unless_present = "passphrase_file")]
    pub(crate) identity: Option<PathBuf>,
    /// The passphrase is in this file; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// What to bring back.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) key: ReadingKey,
    /// Stop the instance that is here and put the backup in its place: what it holds is lost
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) elsewhere: Elsewhere,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DatabaseCommand {
    /// Move the databases from this machine's PostgreSQL to a server elsewhere, and the daemons with them
    Move(Move),
}

/// What to move, and where.
#[derive(Debug, Args)]
pub(crate) struct Move {
    /// The server, such as postgresql://admin@db1.example.org:5432; several hosts with commas, of which the one that takes writes is used. The
    /// role may make roles and databases
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// Which: main (apps, people, runs), tables (what people fill), or both
    #[arg(long, value_name = "WHICH", default_value = "both", value_parser = ["main", "tables", "both"])]
    pub(crate) database: String,
    /// PEM file of the authority that the server's certificate is of; the system's when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The role's password is in this file; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Put them in the place of databases that are there and not empty: what those hold is lost
    #[arg(long)]
    pub(crate) replace: bool,
    /// Check everything, print what would be done, change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Instead: put away what an interrupted move has left, and let this machine's databases be used again
    #[arg(long, conflicts_with_all = ["dry_run", "replace"])]
    pub(crate) give_up: bool,
    #[command(flatten)]
    pub(crate) elsewhere: Elsewhere,
}

/// An instance that systemd does not run.
#[derive(Debug, Args)]
pub(crate) struct Elsewhere {
    /// The folder that stands for /; credentials in it are plain files
    #[arg(long, value_name = "DIR", hide = true, requires = "admin")]
    pub(crate) root: Option<PathBuf>,
    /// Connection string of a superuser of the PostgreSQL that has the databases; this machine's by default
    #[arg(long, value_name = "CONNINFO")]
    pub(crate) admin: Option<String>,
    /// What its databases are called
    #[arg(long, value_name = "MAIN,TABLES", hide = true, value_delimiter = ',')]
    pub(crate) databases: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CodeCommand {
    /// Run a file. Exits with 0 if the code returned, else with 1
    Run(CodeRun),
}

/// What to run, and how.
#[derive(Debug, Args)]
pub(crate) struct CodeRun {
    /// The file, or - for standard input. It is a function's body: `return` gives its result
    pub(crate) file: PathBuf,
    /// javascript or python; by default what the file's name ends with tells
    #[arg(long, value_parser = ["javascript", "python"])]
    pub(crate) language: Option<String>,
    /// Variables that the code sees, as a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub(crate) inputs: String,
    /// Seconds that it may take
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=300))]
    pub(crate) time: Option<u32>,
    /// MiB of memory that it may use
    #[arg(long, value_name = "MIB")]
    pub(crate) memory: Option<u64>,
    /// A set of libraries to find beside the standard ones; one for each language at most
    #[arg(long, value_name = "NAME")]
    pub(crate) libraries: Vec<String>,
    /// Print events as JSON, one a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LibrariesCommand {
    /// List them
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Add one, or replace what it is built from
    Add(LibrariesAdd),
    /// Build one again from the same lock file
    Build {
        /// Its name
        name: String,
    },
    /// Delete one that no workflow uses
    Delete {
        /// Its name
        name: String,
    },
    /// Print what its newest build wrote; fails when the build did
    Log {
        /// Its name
        name: String,
    },
}

/// What a set of libraries is.
#[derive(Debug, Args)]
pub(crate) struct LibrariesAdd {
    /// Its name: a letter, then letters, digits or _
    pub(crate) name: String,
    /// The language of its packages
    #[arg(long, value_parser = ["javascript", "python"])]
    pub(crate) language: String,
    /// package-lock.json, or requirements.txt with hashes
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: PathBuf,
    /// Modules to import once, ahead of all runs: those that take long
    #[arg(long, value_name = "MODULES", value_delimiter = ',')]
    pub(crate) preload: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// List them, without their values
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Add one, or replace its value. It is read from standard input, without the newline at the end
    Set {
        /// Its name: a letter, then letters, digits or _
        name: String,
        /// Read the value from this file instead, as it is
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Delete one. Code that asks for it fails from then on
    Delete {
        /// Its name
        name: String,
    },
    /// Let workflows use one. Whoever may edit such a workflow can read the value by code
    Grant {
        /// Its name
        name: String,
        /// The workflows, by their names in addresses
        #[arg(required = true)]
        workflows: Vec<String>,
        /// Take it from them instead
        #[arg(long)]
        revoke: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Print a link that gives an account a new password and makes it an administrator
    RecoverAdmin {
        /// The account's e-mail address
        email: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check that no record was changed, removed or cut off at the end. Fails at the first that was
    Verify {
        /// A link of the chain that was written down elsewhere; may be repeated. Those in the journal are read anyway
        #[arg(long, value_name = "NUMBER:HASH")]
        anchor: Vec<Anchor>,
        /// Compare with what --anchor says alone: after a restore, the journal knows of records that are gone
        #[arg(long)]
        no_journal: bool,
    },
}

/// A link of the audit trail's chain that was written down outside the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) number: i64,
    pub(crate) hash: String,
}

impl std::str::FromStr for Anchor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once([':', ' ']);
        let anchor = parts.and_then(|(number, hash)| {
            let hash = hash.trim().to_ascii_lowercase();
            let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            Some(Self { number: number.trim().parse().ok().filter(|number| *number > 0)?, hash }).filter(|_| is_hash)
        });
        anchor.ok_or("must be a number and a SHA-256 in hex, such as 120:9f86...")
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum DocumentCommand {
    /// List them
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the draft as JSON, or write it as the files that Source Control keeps
    Export {
        /// Its name in addresses
        slug: String,
        /// A folder for the files: a new or empty one, or an earlier export
        #[arg(long, value_name = "FOLDER")]
        to: Option<PathBuf>,
    },
    /// Create one from a file or a folder of files, or replace the draft of the one that exists
    Import {
        /// Its name in addresses
        slug: String,
        /// The file of JSON, or the folder; `-` is standard input
        file: PathBuf,
        /// Release the draft at once
        #[arg(long)]
        release: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkflowCommand {
    #[command(flatten)]
    Document(DocumentCommand),
    /// Run the released version and print its response; fails when the run does
    Run {
        /// Its name in addresses
        slug: String,
        /// What code sees as `trigger.body`, as JSON
        #[arg(long, value_name = "JSON")]
        body: Option<String>,
        /// The same key is the same run, however often it is sent
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
        /// Print the run's id and do not wait for its end
        #[arg(long)]
        no_wait: bool,
    },
    /// Send an event to the runs that wait for it, or will; prints its id
    Event {
        /// The workflow's name in addresses
        slug: String,
        /// The event's name, as the blocks that wait for it have it
        name: String,
        /// Its key, for blocks that wait for one
        #[arg(long, value_name = "TEXT")]
        key: Option<String>,
        /// What it carries, as JSON
        #[arg(long, value_name = "JSON")]
        body: Option<String>,
        /// The same key is the same event, however often it is sent
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
    },
    /// Print what a run logged
    Logs {
        /// The run's id
        run: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// What a certificate can be for.
pub(crate) const DAEMONS_WITH_ROLES: [&str; 8] = [
    "api",
    "db-connector",
    "ssh-connector",
    "jobs-runner",
    "workflows-worker",
    "workflows-backend",
    "code-executor",
    "library-builder",
];

#[derive(Debug, Subcommand)]
pub(crate) enum PkiCommand {
    /// Make the authority that all machines of this instance trust: once, on one machine
    Init {
        #[command(flatten)]
        authority: AuthorityFolder,
        /// Its name, as people see it in certificates
        #[arg(long, value_name = "TEXT", default_value = "Bulkhead internal authority")]
        name: String,
        /// Days that it holds
        #[arg(long, value_name = "DAYS", default_value_t = 3650, value_parser = clap::value_parser!(u32).range(30..=7300))]
        days: u32,
        /// Encrypt its key to this machine (systemd-creds): no copy of the file is of use elsewhere, and none in a backup either
        #[arg(long)]
        seal: bool,
    },
    /// Make a certificate for a daemon on a machine, with a key or for a request that came from there
    Issue(PkiIssue),
    /// Make a key here and a request that the authority's machine turns into a certificate: the key never leaves this machine
    Request {
        /// The daemon
        #[arg(long, value_name = "DAEMON", value_parser = DAEMONS_WITH_ROLES)]
        role: String,
        /// Folder for DAEMON.key and DAEMON.csr
        #[arg(long, value_name = "DIR", default_value = "/etc/bulkhead/pki")]
        out: PathBuf,
    },
    /// What was issued: daemon, machine, end
    List {
        #[command(flatten)]
        authority: AuthorityFolder,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Issue those that end soon again, for the same keys and names, as OUT/HOST/DAEMON.crt
    Renew {
        #[command(flatten)]
        authority: AuthorityFolder,
        /// Only this machine's
        #[arg(long, value_name = "NAME")]
        host: Option<String>,
        /// Only this daemon's
        #[arg(long, value_name = "DAEMON", value_parser = DAEMONS_WITH_ROLES)]
        role: Option<String>,
        /// Those that end within so many days
        #[arg(long, value_name = "DAYS", default_value_t = 30)]
        within: u32,
        /// All of them, however long they hold
        #[arg(long, conflicts_with = "within")]
        all: bool,
        /// Days that the new ones hold
        #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=825))]
        days: u32,
        /// Folder for the new certificates
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Whether the certificates that the daemons of this machine are configured with fit: role, key, authority, time. Fails when one does not
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Where the authority is.
#[derive(Debug, Args)]
pub(crate) struct AuthorityFolder {
    /// Folder of the authority: its certificate, its key, what it issued
    #[arg(long = "authority", value_name = "DIR", default_value = "/etc/bulkhead/pki/authority")]
    pub(crate) folder: PathBuf,
}

/// A certificate to be made.
#[derive(Debug, Args)]
pub(crate) struct PkiIssue {
    #[command(flatten)]
    pub(crate) authority: AuthorityFolder,
    /// The daemon
    #[arg(long, value_name = "DAEMON", value_parser = DAEMONS_WITH_ROLES)]
    pub(crate) role: String,
    /// The machine's name or address, as other machines' configuration calls it
    #[arg(long, value_name = "NAME")]
    pub(crate) host: String,
    /// Another DNS name of it; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) dns: Vec<String>,
    /// Another address of it; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) ip: Vec<std::net::IpAddr>,
    /// Days that it holds
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=825))]
    pub(crate) days: u32,
    /// A request made by `pki request` there, of which the key is taken and nothing else; without one a key is made too
    #[arg(long, value_name = "FILE")]
    pub(crate) csr: Option<PathBuf>,
    /// Folder for DAEMON.crt, DAEMON.key and ca.crt
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Run a program: no network, no capability, read-only system. Ends with the program's code; 120 to 127 are the sandbox's own
    Run(SandboxRun),
}

/// What the program may see and use.
#[derive(Debug, Args)]
#[command(after_help = SANDBOX_CODES)]
pub(crate) struct SandboxRun {
    /// A file or folder to show to the program, read-only, at the same path or at DEST; may be repeated
    #[arg(long, value_name = "PATH[:DEST]")]
    pub(crate) ro: Vec<String>,
    /// A folder that the program may write to; nothing in it can be executed; may be repeated
    #[arg(long, value_name = "PATH[:DEST]")]
    pub(crate) rw: Vec<String>,
    /// Seconds of wall clock, and of processor time unless --cpu-time says otherwise
    #[arg(long, value_name = "S", default_value_t = 10)]
    pub(crate) time: u64,
    /// Seconds of processor time of one process
    #[arg(long, value_name = "S")]
    pub(crate) cpu_time: Option<u64>,
    /// Bytes of memory
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 20)]
    pub(crate) memory: u64,
    /// Processes and threads together
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) tasks: u64,
    /// Open files of one process
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub(crate) open_files: u64,
    /// Bytes of one file
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    pub(crate) file_size: u64,
    /// Bytes of the empty /tmp that the program finds
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    pub(crate) tmp_size: u64,
    /// Bytes of output and errors together; more is cut with a marker, and the program ends
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    pub(crate) output: u64,
    /// A variable of the environment, which is empty otherwise; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,
    /// Where the program starts
    #[arg(long, value_name = "DIR", default_value = "/tmp")]
    pub(crate) chdir: PathBuf,
    /// The host name that the program sees
    #[arg(long, value_name = "NAME", default_value = "sandbox")]
    pub(crate) hostname: String,
    /// No /proc
    #[arg(long)]
    pub(crate) no_proc: bool,
    /// Threads only: the program cannot start processes
    #[arg(long)]
    pub(crate) threads_only: bool,
    /// At the end, write how it ended and what it used to standard error as a line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The program and its arguments
    #[arg(trailing_var_arg = true, required = true, value_name = "PROGRAM")]
    pub(crate) command: Vec<String>,
}

const SANDBOX_CODES: &str = "Exit codes: the program's own, or
  120 it used more processor time than it may    121 it used more memory
  122 it wrote more output                       123 it made a forbidden system call
  124 it ran longer                              125 the sandbox could not be set up
  126 the program cannot be executed             127 there is no such program
  128+N it died of signal N; 153: a file grew past its limit";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_part_of_setup_takes_no_option_of_the_whole() {
        assert!(Arguments::try_parse_from(["bulkheadctl", "setup", "--demo"]).is_ok());
        assert!(Arguments::try_parse_from(["bulkheadctl", "setup", "keys", "--to", "/tmp/x"]).is_ok());
        assert!(Arguments::try_parse_from(["bulkheadctl", "setup", "--demo", "keys", "--to", "/tmp/x"]).is_err());
    }
}
