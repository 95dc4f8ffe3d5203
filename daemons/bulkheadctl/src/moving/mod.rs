//! `database move`: from this machine's PostgreSQL to a server elsewhere.
//!
//! Until the switch the databases here are the ones that count: whatever fails is taken back, and the old state runs again. The switch is a file that
//! says so (`state.rs`); from then on the server's count, and what fails is ended by the same command. The databases here are kept, under another name
//! and closed.

mod checks;
mod copy;
mod interrupt;
mod state;
mod switch;
mod target;

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, Result, bail, ensure};
use zeroize::Zeroizing;

use crate::api::require_root;
use crate::backup::{Place, Which};
use crate::cli::Move;
use crate::daemons::DAEMONS;
use crate::setup::{TABLES_ROLE, new_password, start_services, step, stop_services};
use crate::systemd;

use checks::Found;
use interrupt::Interrupt;
use state::{Phase, State};
use target::Target;

/// The comment on a database that does not count yet.
const MARK: &str = "bulkhead: a move is under way";

/// What a database here is called after the move.
fn aside(name: &str) -> String {
    format!("{name}_before_move")
}

/// What one there is called while another takes its place.
fn replaced(name: &str) -> String {
    format!("{name}_replaced")
}

/// What to do.
struct Task {
    place: Place,
    target: Target,
    /// The databases, by name.
    which: Vec<(Which, String)>,
    /// `main`, `tables` or `both`.
    word: String,
    /// Those of this machine that use the main database.
    daemons: Vec<&'static str>,
    replace: bool,
}

impl Task {
    fn of(command: &Move) -> Result<Self> {
        let place = Place::of(&command.elsewhere);
        let target = Target::of(command)?;
        let kinds = Which::ALL.into_iter().filter(|which| match command.database.as_str() {
            "main" => *which == Which::Main,
            "tables" => *which == Which::Tables,
            _ => true,
        });
        let which = kinds.map(|which| (which, which.name(&place.names).to_owned())).collect();
        let uses = |name: &str| checks::CONNECTIONS.iter().any(|(daemon, _)| *daemon == name);
        let daemons = DAEMONS.iter().filter(|daemon| uses(daemon.name));
        let here = daemons.filter(|daemon| !place.is_machine() || systemd::is_installed(daemon.service));
        let daemons = here.map(|daemon| daemon.name).collect();
        Ok(Self { place, target, which, word: command.database.clone(), daemons, replace: command.replace })
    }

    fn has(&self, which: Which) -> bool {
        self.which.iter().any(|(one, _)| *one == which)
    }

    fn kinds(&self) -> Vec<Which> {
        self.which.iter().map(|(which, _)| *which).collect()
    }
}

/// What the roles there log in with.
struct Passwords {
    daemons: Vec<(&'static str, Zeroizing<String>)>,
    tables: Option<Zeroizing<String>>,
}

impl Passwords {
    fn make(task: &Task) -> Result<Self> {
        let daemons: &[&'static str] = if task.has(Which::Main) { &task.daemons } else { &[] };
        let daemons = daemons.iter().map(|daemon| Ok((*daemon, new_password()?))).collect::<Result<_>>()?;
        let tables = task.has(Which::Tables).then(new_password).transpose()?;
        Ok(Self { daemons, tables })
    }

    /// Role, database, password.
    fn logins<'a>(&'a self, task: &'a Task) -> impl Iterator<Item = (String, &'a str, &'a Zeroizing<String>)> {
        let names = &task.place.names;
        let daemons =
            self.daemons.iter().map(|(daemon, password)| (format!("bulkhead-{daemon}"), names.main.as_str(), password));
        daemons.chain(self.tables.iter().map(|password| (TABLES_ROLE.to_owned(), names.tables.as_str(), password)))
    }
}

/// Runs `database move`.
pub(crate) async fn run(command: &Move) -> Result<()> {
    let task = Task::of(command)?;
    if task.place.is_machine() {
        require_root("database move")?;
        ensure!(
            systemd::is_running(),
            "systemd does not run this machine, so there are no services of Bulkhead to lead elsewhere"
        );
    }
    let earlier = State::read(&task.place.root)?;
    if let Some(earlier) = &earlier {
        let (to, database) = (&earlier.to, &earlier.database);
        ensure!(
            *to == task.target.name() && *database == task.word,
            "a move to {to} was interrupted: end it first (--to that server, --database {database}), or put it away with --give-up besides"
        );
    }
    match (&earlier, command.give_up) {
        (None, true) => bail!("there is nothing to give up: no move was interrupted"),
        (Some(State { phase: Phase::Switching, .. }), true) => bail!(
            "the databases on {} are the ones that count already: the same command without --give-up ends the move",
            task.target.name()
        ),
        (Some(earlier), true) => {
            take_back(&task, earlier).await?;
            step("what the interrupted move has left is gone");
            return Ok(());
        }
        (Some(earlier @ State { phase: Phase::Switching, .. }), false) => {
            step("a move was interrupted after its switch: what was left to do is done now");
            return if command.dry_run { Ok(()) } else { finish(&task, earlier, &Passwords::make(&task)?).await };
        }
        _ => {}
    }
    let found = checks::look(&task)?;
    print_plan(&task, &found);
    if command.dry_run {
        return Ok(());
    }
    confirm(command)?;
    let state = begin(&task, &found, earlier);
    let interrupt = Interrupt::listen()?;
    let passwords = Passwords::make(&task)?;
    state.write(&task.place.root)?;
    if let Err(error) = copying(&task, &found, &state, &passwords, &interrupt) {
        return match take_back(&task, &state).await {
            Ok(()) => Err(error.context("nothing was moved, and all is as it was")),
            Err(left) => Err(error.context(format!(
                "nothing was moved. Something is left of it: {left:#}. When that is mended, the same command with --give-up puts it away"
            ))),
        };
    }
    let state = State { phase: Phase::Switching, ..state };
    state.write(&task.place.root)?;
    finish(&task, &state, &passwords).await
}

/// What is about to be made, joined with what an interrupted move has made.
fn begin(task: &Task, found: &Found, earlier: Option<State>) -> State {
    let (mut made, limits) = earlier.map(|earlier| (earlier.made, Some(earlier.limits))).unwrap_or_default();
    made.extend(found.missing.iter().filter(|role| !made.contains(role)).cloned().collect::<Vec<_>>());
    let limits = limits.unwrap_or_else(|| found.here.iter().map(|here| (here.name.clone(), here.limit)).collect());
    State { to: task.target.name(), database: task.word.clone(), phase: Phase::Copying, made, limits }
}

/// All that can be taken back.
fn copying(task: &Task, found: &Found, state: &State, passwords: &Passwords, interrupt: &Interrupt) -> Result<()> {
    copy::prepare(task, found, state, passwords)?;
    switch::make_ready(task, passwords)?;
    interrupt.check()?;
    if task.place.is_machine() {
        stop_services()?;
    }
    copy::close(task)?;
    copy::copy(task, found, interrupt)?;
    interrupt.check()
}

/// Puts away what a move that does not take place has made, here first.
async fn take_back(task: &Task, state: &State) -> Result<()> {
    copy::reopen(task, state)?;
    switch::take_back(task)?;
    if task.place.is_machine() {
        start_services(&[]).await?;
    }
    copy::take_back(task, state).with_context(|| format!("tidy up on {}", task.target.name()))?;
    State::remove(&task.place.root)
}

/// From the switch to the end. Each step can be repeated.
async fn finish(task: &Task, state: &State, passwords: &Passwords) -> Result<()> {
    if let Err(error) = switching(task, state, passwords) {
        bail!(
            "the copy on {} is whole and is the one that counts, and the daemons do not use it yet: {error:#}. The same command ends the move",
            task.target.name()
        );
    }
    if task.place.is_machine() {
        let started = start_services(&DAEMONS.map(|daemon| daemon.name)).await;
        started.context(
            "the databases are on the server and the configuration names it, but not all services are ready; the same command tries again, and \
             docs/admin/move-database.md says how to go back",
        )?;
    }
    State::remove(&task.place.root)?;
    print_end(task);
    Ok(())
}

fn switching(task: &Task, state: &State, passwords: &Passwords) -> Result<()> {
    let psql = task.target.psql();
    passwords.set(&psql)?;
    switch::make_ready(task, passwords)?;
    switch::set_aside(task, state)?;
    switch::tell(task, passwords)?;
    copy::unmark(task)?;
    switch::configure(task)?;
    let is_superuser = psql.run("postgres", "SELECT rolsuper FROM pg_roles WHERE rolname = current_user;")? == "t";
    copy::finish(task, &psql, &state.made, is_superuser)
}

fn print_plan(task: &Task, found: &Found) {
    let name = task.target.name();
    println!();
    println!("From  PostgreSQL {} of this machine", found.source_version);
    println!("To    PostgreSQL {} at {name}, TLS verified in full", found.server.version);
    println!();
    let mut sum = 0;
    for here in &found.here {
        println!("  {:<24} {:>8} MiB", here.name, here.bytes.div_ceil(1 << 20));
        sum += here.bytes;
    }
    println!(
        "  room needed there        {:>8} MiB at most, and as much again for its log meanwhile",
        sum.div_ceil(1 << 20)
    );
    println!();
    println!("There are made:");
    if !found.missing.is_empty() {
        println!("  roles: {}", found.missing.join(", "));
    }
    println!("  new passwords for Bulkhead's roles, kept as credentials of the units");
    for (_, database) in &task.which {
        let there = found.there.iter().find(|there| there.name == *database);
        println!(
            "  the database {database}{}",
            match there {
                None => "",
                Some(there) if there.is_marked => ", in the place of what an interrupted move has left",
                Some(there) if there.is_filled() =>
                    ", in the place of the one that is there, WHICH IS DROPPED WITH ALL THAT IT HOLDS",
                Some(_) => ", in the place of the empty one that is there",
            }
        );
    }
    if found.logins > 0 {
        println!(
            "  {}",
            match found.logins_go_along(task) {
                true => format!("{} logins of people to the tables, with their passwords", found.logins),
                false => format!(
                    "no logins of people to the tables: the {} that there are go, since nothing would watch over them (it needs both databases on one \
                 server, and a superuser of it)",
                    found.logins
                ),
            }
        );
    }
    println!();
    println!(
        "Meanwhile all services of Bulkhead on this machine are stopped: nobody is served while the rows are copied."
    );
    let files = switch::files(task);
    if !files.is_empty() {
        println!();
        println!("Files that are written:");
        files.iter().for_each(|file| println!("  {}", file.display()));
        let addresses: Vec<String> = found.addresses.iter().map(ToString::to_string).collect();
        println!("Units that reach only this machine may reach {} then, too.", addresses.join(" "));
    }
    println!();
    let old: Vec<String> = task.which.iter().map(|(_, name)| aside(name)).collect();
    println!("The databases here stay, closed, as {}.", old.join(" and "));
    if task.place.path("etc/bulkhead/backup.recipients").exists() {
        println!(
            "Backups every night read the databases of this machine: see docs/admin/move-database.md for what they need then."
        );
    }
    println!();
}

/// Asks, unless that was answered on the command line.
fn confirm(command: &Move) -> Result<()> {
    if command.yes {
        return Ok(());
    }
    ensure!(std::io::stdin().is_terminal(), "nobody is there to be asked: --yes does it without");
    print!("Move? [y/N] ");
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("read the answer")?;
    ensure!(matches!(line.trim(), "y" | "Y" | "yes"), "nothing was changed");
    Ok(())
}

fn print_end(task: &Task) {
    println!();
    println!("moved: {} to {}", task.word, task.target.name());
    println!("When you are sure, drop the old copies, as the user postgres here:");
    for (_, name) in &task.which {
        println!("  DROP DATABASE {};", aside(name));
    }
}
