//! What is left of a storm: what the journal says, and what was counted outside of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bulkhead_model::RunId;
use bulkhead_model::run::{RunError, RunStatus};
use time::OffsetDateTime;
use tokio_postgres::types::Json;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::world::World;

/// How long runs have to end, once nothing strikes any more.
const PATIENCE: Duration = Duration::from_secs(240);
/// How long the outbox has to empty after that.
const OUTBOX_PATIENCE: Duration = Duration::from_secs(30);
/// The number of the call of a block that acts itself.
const OWN: i32 = i32::MAX;

/// A block in its round and attempt.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) run: RunId,
    pub(crate) block: String,
    pub(crate) iteration: String,
    pub(crate) attempt: i32,
}

/// A call, and the effect that it has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) place: Place,
    pub(crate) number: i32,
}

/// A run, as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct RunRow {
    pub(crate) slug: String,
    pub(crate) key: Option<String>,
    pub(crate) status: RunStatus,
    pub(crate) error: Option<RunError>,
    pub(crate) parent: Option<RunId>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) finished_at: Option<OffsetDateTime>,
}

/// How a block or a call stands in the journal.
#[derive(Clone, Debug)]
pub(crate) struct Journalled {
    pub(crate) status: String,
    pub(crate) error: Option<RunError>,
}

/// An effect, as it was counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) times: usize,
    /// The keys that its requests came with.
    pub(crate) keys: BTreeSet<Option<String>>,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) runs: BTreeMap<RunId, RunRow>,
    pub(crate) blocks: BTreeMap<Place, Journalled>,
    pub(crate) calls: BTreeMap<Call, Journalled>,
    pub(crate) effects: BTreeMap<Call, Counted>,
    /// Entries of the outbox that nobody has sent: kind and run.
    pub(crate) unsent: Vec<(String, RunId)>,
    /// How long it took from the last fault until all runs had ended, and then until the outbox was empty.
    pub(crate) waited: [Duration; 2],
}

impl Evidence {
    /// Waits until all runs have ended and the outbox is empty, not for ever, and takes down what there is.
    pub(crate) async fn of(world: &World) -> Self {
        let own = world.own_database().await;
        let waited = [
            wait_for_none(&own, "SELECT count(*) FROM runs WHERE finished_at IS NULL", PATIENCE).await,
            wait_for_none(&own, "SELECT count(*) FROM run_outbox WHERE sent_at IS NULL", OUTBOX_PATIENCE).await,
        ];
        let mut evidence = Self { effects: counted(world).await, waited, ..Self::default() };
        let sql = "SELECT r.id, w.slug, r.idempotency_key, r.status, r.error, r.parent_run, r.created_at, r.finished_at
            FROM runs r JOIN workflows w ON w.id = r.workflow_id";
        for row in own.query(sql, &[]).await.expect("read") {
            evidence.runs.insert(RunId(row.get(0)), run(&row));
        }
        let sql = "SELECT run_id, block, array_to_string(iteration, '.'), attempt, status, error FROM block_runs";
        for row in own.query(sql, &[]).await.expect("read") {
            evidence.blocks.insert(place(&row), journalled(&row, 4));
        }
        let sql =
            "SELECT run_id, block, array_to_string(iteration, '.'), attempt, call, status, error FROM block_calls";
        for row in own.query(sql, &[]).await.expect("read") {
            evidence.calls.insert(Call { place: place(&row), number: row.get(4) }, journalled(&row, 5));
        }
        let sql = "SELECT kind, run_id FROM run_outbox WHERE sent_at IS NULL";
        let unsent = own.query(sql, &[]).await.expect("read");
        evidence.unsent = unsent.iter().map(|row| (row.get(0), RunId(row.get(1)))).collect();
        evidence
    }

    pub(crate) fn blocks_of(&self, run: RunId) -> impl Iterator<Item = (&Place, &Journalled)> {
        self.blocks.iter().filter(move |(place, _)| place.run == run)
    }

    pub(crate) fn calls_of(&self, run: RunId) -> impl Iterator<Item = (&Call, &Journalled)> {
        self.calls.iter().filter(move |(call, _)| call.place.run == run)
    }

    pub(crate) fn children_of(&self, parent: RunId) -> impl Iterator<Item = &RunRow> {
        self.runs.values().filter(move |run| run.parent == Some(parent))
    }

    /// How often an effect was counted.
    pub(crate) fn times(&self, call: &Call) -> usize {
        self.effects.get(call).map_or(0, |counted| counted.times)
    }

    /// Everything about a run, for whoever looks for a cause.
    pub(crate) fn describe(&self, run: RunId) -> String {
        let mut text = format!("  {run}: {:?}\n", self.runs.get(&run));
        for (place, row) in self.blocks_of(run) {
            text += &format!("    block {place}: {} {:?}\n", row.status, row.error);
        }
        for (call, row) in self.calls_of(run) {
            text += &format!("    call {call}: {}, counted {} times {:?}\n", row.status, self.times(call), row.error);
        }
        text
    }
}

async fn wait_for_none(own: &Client, count: &str, patience: Duration) -> Duration {
    let begun = Instant::now();
    while own.query_one(count, &[]).await.expect("counted").get::<_, i64>(0) > 0 && begun.elapsed() < patience {
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    begun.elapsed()
}

async fn counted(world: &World) -> BTreeMap<Call, Counted> {
    let mut effects: BTreeMap<Call, Counted> = BTreeMap::new();
    for row in world.tables.query("SELECT effect FROM effects", &[]).await.expect("read") {
        effects.entry(Call::named(row.get(0))).or_default().times += 1;
    }
    for request in world.outside.received() {
        let counted = effects.entry(Call::named(&request.effect)).or_default();
        counted.times += 1;
        counted.keys.insert(request.idempotency_key);
    }
    effects
}

impl Call {
    /// What an effect says that it is.
    pub(crate) fn named(effect: &str) -> Self {
        let [run, block, iteration, attempt, number] = effect.split('/').collect::<Vec<_>>()[..] else {
            panic!("`{effect}` names no effect")
        };
        let place = Place {
            run: run.parse().expect("a run"),
            block: block.to_owned(),
            iteration: iteration.to_owned(),
            attempt: attempt.parse().expect("an attempt"),
        };
        Self { place, number: if number == "own" { OWN } else { number.parse().expect("a number") } }
    }
}

fn run(row: &Row) -> RunRow {
    RunRow {
        slug: row.get(1),
        key: row.get(2),
        status: row.get::<_, &str>(3).parse().expect("a status"),
        error: row.get::<_, Option<Json<RunError>>>(4).map(|json| json.0),
        parent: row.get::<_, Option<Uuid>>(5).map(RunId),
        created_at: row.get(6),
        finished_at: row.get(7),
    }
}

fn place(row: &Row) -> Place {
    Place { run: RunId(row.get(0)), block: row.get(1), iteration: row.get(2), attempt: row.get(3) }
}

fn journalled(row: &Row, first: usize) -> Journalled {
    Journalled { status: row.get(first), error: row.get::<_, Option<Json<RunError>>>(first + 1).map(|json| json.0) }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}/{}", self.run, self.block, self.iteration, self.attempt)
    }
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.number {
            OWN => write!(f, "{}/own", self.place),
            number => write!(f, "{}/{number}", self.place),
        }
    }
}
