//! What a storm does and when, from its seed alone: the runs that are started, the faults that strike.

use std::ops::Range;
use std::time::Duration;

use crate::dice::Dice;
use crate::workflows::Kind;

/// The whole of it.
pub(crate) struct Plan {
    pub(crate) starts: Vec<Start>,
    pub(crate) faults: Vec<Fault>,
}

/// A run to start.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Start {
    /// Counts from 0; its idempotency key is made of it.
    pub(crate) number: usize,
    /// After the storm's beginning.
    pub(crate) at: Duration,
    pub(crate) kind: Kind,
    pub(crate) repeat: Repeat,
    /// Cancelled so long after it was acknowledged.
    pub(crate) cancel_after: Option<Duration>,
    /// How its question is answered, if it asks one.
    pub(crate) approve: bool,
    /// The event that it waits for is sent so long after it was acknowledged, which may be before it waits.
    pub(crate) event_after: Duration,
}

/// Whether a run is started a second time under the same key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Repeat {
    Never,
    /// Two at the same time.
    Twin,
    /// So long after the first was acknowledged.
    Later(Duration),
}

/// A fault.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    /// After the storm's beginning.
    pub(crate) at: Duration,
    pub(crate) what: What,
    /// How long it takes until what was ended is started again, or what was held goes on.
    pub(crate) lasts: Duration,
    /// Whether nothing else strikes for a while before and after, so that what it does can be told.
    pub(crate) is_alone: bool,
}

/// What strikes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum What {
    /// `kill -9`.
    Kill(Process),
    /// SIGTERM: it ends what it has begun.
    Drain(Process),
    /// SIGSTOP, and SIGCONT later: a partition in time.
    Freeze(Process),
    /// `kill -9`.
    KillTemporal,
    /// `kill -9`, and its database is gone.
    WipeTemporal,
    /// Every process of it ends at once, as with the power.
    KillPostgresql,
    /// A partition of one connection.
    Disturb(Link, Disturbance),
    /// A partition: the cable to a network is pulled.
    Partition(Island),
    /// The resource ends the connections to it, as a server does that is restarted.
    DropResource,
}

/// A daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Process {
    FirstWorker,
    SecondWorker,
    Backend,
    Executor,
    Connector,
}

/// A connection of a daemon to something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Link {
    /// From a worker to Temporal.
    FirstTemporal,
    SecondTemporal,
    /// To Bulkhead's own PostgreSQL.
    FirstDatabase,
    SecondDatabase,
    BackendDatabase,
    ConnectorDatabase,
    ApiDatabase,
    /// From db-connector to the database that queries run on.
    Resource,
    /// From db-connector to the server that requests go to.
    Outside,
}

/// What is in a network of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Island {
    Temporal,
    Outside,
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disturbance {
    /// It is closed, and so is every new one for a while.
    Cut,
    /// Nothing gets through for a while; then everything does.
    Silent,
    /// What is asked gets through, what is answered does not; then it is closed. New connections work.
    OneWay,
}

/// A fault and how long it lasts, in milliseconds. More than ten seconds is longer than a worker's lease.
const DECK: [(What, Range<u64>); 36] = {
    use Disturbance::{Cut, OneWay, Silent};
    use Process::{Backend, Connector, Executor, FirstWorker, SecondWorker};
    use What::{Disturb, Drain, DropResource, Freeze, Kill, KillPostgresql, KillTemporal, Partition, WipeTemporal};
    [
        (Kill(FirstWorker), 200..3000),
        (Kill(SecondWorker), 200..3000),
        (Kill(Backend), 100..2500),
        (Kill(Backend), 100..2500),
        (Kill(Executor), 100..2500),
        (Kill(Connector), 100..2500),
        (Kill(Connector), 100..2500),
        (KillTemporal, 300..4000),
        (WipeTemporal, 300..1500),
        (KillPostgresql, 200..3000),
        (KillPostgresql, 200..3000),
        (Drain(FirstWorker), 0..500),
        (Drain(SecondWorker), 0..500),
        (Drain(Backend), 0..500),
        (Drain(Executor), 0..500),
        (Drain(Connector), 0..500),
        (Freeze(FirstWorker), 10_500..15_000),
        (Freeze(SecondWorker), 1000..8000),
        (Freeze(Backend), 1000..12_000),
        (Disturb(Link::FirstTemporal, Silent), 2000..12_000),
        (Disturb(Link::SecondTemporal, Cut), 500..6000),
        (Disturb(Link::FirstDatabase, Cut), 500..8000),
        (Disturb(Link::SecondDatabase, Silent), 10_500..14_000),
        (Disturb(Link::BackendDatabase, Cut), 300..4000),
        (Disturb(Link::BackendDatabase, OneWay), 300..3000),
        (Disturb(Link::BackendDatabase, Silent), 1000..12_000),
        (Disturb(Link::ConnectorDatabase, Cut), 300..4000),
        (Disturb(Link::ApiDatabase, OneWay), 500..3000),
        // Connections to the outside break, and new ones work: one that is refused fails a run for a good reason.
        (Disturb(Link::Resource, Cut), 0..0),
        (Disturb(Link::Resource, OneWay), 300..2000),
        (Disturb(Link::Outside, Cut), 0..0),
        (Disturb(Link::Outside, OneWay), 300..2000),
        (DropResource, 0..0),
        (Partition(Island::Temporal), 1000..5000),
        (Partition(Island::Temporal), 4000..12_000),
        (Partition(Island::Outside), 500..5000),
    ]
};

impl Plan {
    /// The plan of a storm of so many seconds and runs.
    pub(crate) fn of(seed: u64, seconds: u64, runs: usize) -> Self {
        Self { starts: starts(&mut Dice::new(seed), seconds, runs), faults: faults(&mut Dice::new(!seed), seconds) }
    }
}

/// At a steady rate: each within its own share of the time.
fn starts(dice: &mut Dice, seconds: u64, runs: usize) -> Vec<Start> {
    let mut kinds: Vec<Kind> = Kind::ALL.iter().copied().cycle().take(runs).collect();
    dice.shuffle(&mut kinds);
    let share = seconds * 1000 / (runs as u64).max(1);
    let start = |(number, kind): (usize, Kind)| {
        let first = number as u64 * share;
        Start {
            number,
            at: dice.millis(&(first..first + share)),
            kind,
            repeat: match dice.below(10) {
                0 => Repeat::Twin,
                1 => Repeat::Later(dice.millis(&(0..5000))),
                _ => Repeat::Never,
            },
            cancel_after: dice.chance(6).then(|| dice.millis(&(0..3000))),
            approve: dice.chance(70),
            event_after: dice.millis(&(0..4000)),
        }
    };
    kinds.into_iter().enumerate().map(start).collect()
}

/// One deck after the other, each in an order of its own, so that every fault strikes about as often. A long storm has room for some that
/// strike alone.
fn faults(dice: &mut Dice, seconds: u64) -> Vec<Fault> {
    const PAUSE: Range<u64> = 500..3200;
    /// Before and after a fault that strikes alone.
    const CALM: Duration = Duration::from_secs(12);
    const LONG: u64 = 300;
    let end = Duration::from_secs(seconds);
    let (mut faults, mut at) = (Vec::<Fault>::new(), dice.millis(&PAUSE));
    loop {
        let mut deck = DECK;
        dice.shuffle(&mut deck);
        for (what, lasts) in deck {
            let (lasts, is_alone) = (dice.millis(&lasts), seconds >= LONG && dice.chance(25));
            if is_alone {
                at = faults.iter().map(|fault| fault.at + fault.lasts).max().unwrap_or_default() + CALM;
            }
            if at >= end {
                return faults;
            }
            faults.push(Fault { at, what, lasts, is_alone });
            at += dice.millis(&PAUSE) + if is_alone { lasts + CALM } else { Duration::ZERO };
        }
    }
}

impl std::fmt::Display for What {
    /// By kind: the workers count as one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kill(process) => write!(f, "kill {process}"),
            Self::Drain(process) => write!(f, "drain {process}"),
            Self::Freeze(process) => write!(f, "freeze {process}"),
            Self::KillTemporal => f.write_str("kill Temporal"),
            Self::WipeTemporal => f.write_str("wipe Temporal"),
            Self::KillPostgresql => f.write_str("kill PostgreSQL"),
            Self::Disturb(link, disturbance) => {
                let how = match disturbance {
                    Disturbance::Cut => "cut",
                    Disturbance::Silent => "silence",
                    Disturbance::OneWay => "one-way",
                };
                write!(f, "{how} {link}")
            }
            Self::DropResource => f.write_str("drop resource"),
            Self::Partition(Island::Temporal) => f.write_str("partition Temporal"),
            Self::Partition(Island::Outside) => f.write_str("partition outside"),
        }
    }
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::FirstWorker | Self::SecondWorker => "worker",
            Self::Backend => "backend",
            Self::Executor => "executor",
            Self::Connector => "db-connector",
        })
    }
}

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::FirstTemporal | Self::SecondTemporal => "worker/Temporal",
            Self::FirstDatabase | Self::SecondDatabase => "worker/PostgreSQL",
            Self::BackendDatabase => "backend/PostgreSQL",
            Self::ConnectorDatabase => "db-connector/PostgreSQL",
            Self::ApiDatabase => "api/PostgreSQL",
            Self::Resource => "db-connector/resource",
            Self::Outside => "db-connector/outside",
        })
    }
}

#[test]
fn a_seed_stands_for_one_plan() {
    let (one, same, other) = (Plan::of(7, 60, 120), Plan::of(7, 60, 120), Plan::of(8, 60, 120));
    assert!(one.starts == same.starts && one.faults == same.faults);
    assert!(one.starts != other.starts && one.faults != other.faults);
    assert_eq!(one.starts.len(), 120);
    assert!(one.starts.windows(2).all(|pair| pair[0].at <= pair[1].at));
}
