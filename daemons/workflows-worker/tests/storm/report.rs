//! What a storm came to, as a table.

use std::collections::BTreeMap;
use std::time::Duration;

use bulkhead_model::RunId;
use bulkhead_model::run::RunStatus;

use crate::evidence::{Evidence, RunRow};
use crate::faults::Struck;
use crate::load::Told;
use crate::options::Options;
use crate::verdict::UNKNOWN;
use crate::workflows::{CHILD, Kind};

/// How many of the slowest runs are named.
const SHOWN: usize = 6;

/// The table.
pub(crate) fn table(options: &Options, told: &Told, struck: &[Struck], evidence: &Evidence) -> String {
    let Options { seed, seconds, runs } = options;
    let mut text = format!("\nStorm of seed {seed}: {seconds} s of faults, {runs} runs\n\n");
    let mut line = |name: &str, value: String| text += &format!("{name:<34}{value}\n");
    line("runs acknowledged", told.runs.len().to_string());
    line("starts that told nothing", told.unsure.to_string());
    line("runs that blocks started", evidence.runs.values().filter(|run| run.parent.is_some()).count().to_string());
    let of_status = |status: RunStatus| evidence.runs.values().filter(|run| run.status == status).count();
    line("succeeded", of_status(RunStatus::Succeeded).to_string());
    line("failed", of_status(RunStatus::Failed).to_string());
    line("cancelled", of_status(RunStatus::Cancelled).to_string());
    line("effects counted", evidence.effects.values().map(|counted| counted.times).sum::<usize>().to_string());
    let unknown: Vec<_> = evidence.calls.iter().filter(|(_, row)| row.status == UNKNOWN).collect();
    let happened = unknown.iter().filter(|(call, _)| evidence.times(call) > 0).count();
    let of = evidence.calls.len();
    line("calls of unknown outcome", format!("{} of {of}; {happened} had happened", unknown.len()));
    let [runs, outbox] = evidence.waited.map(|time| time.as_secs_f64());
    line("after the last fault", format!("{runs:.1} s until all had ended, {outbox:.1} s until the outbox was empty"));
    text += "\nwhy runs failed\n";
    for (why, count) in reasons(evidence) {
        text += &format!("{count:>6}  {why}\n");
    }
    text += "\nfault                           times  held up   p50 s   max s |  alone  held up   p50 s   max s\n";
    let (all, alone) =
        (recovery(struck.iter(), evidence), recovery(struck.iter().filter(|one| one.is_alone), evidence));
    for (kind, of_all) in all {
        text +=
            &format!("{kind:<32}{} | {}\n", of_all.columns(), alone.get(&kind).cloned().unwrap_or_default().columns());
    }
    text += "\nslowest prompt runs             began s  took s\n";
    for (took, run, began) in slowest(struck, evidence).into_iter().take(SHOWN) {
        text += &format!("{run} {began:>7.1}{took:>8.1}\n");
    }
    text + "\nHeld up are prompt runs that were started before a fault was over and ended after that; the times are from its end to theirs.\n\
        Faults overlap, so each is an upper bound, but for those that struck alone.\n"
}

/// Kinds of errors, and where they came up.
fn reasons(evidence: &Evidence) -> BTreeMap<String, usize> {
    let mut reasons = BTreeMap::new();
    for run in evidence.runs.values().filter(|run| run.status == RunStatus::Failed) {
        let why = run.error.as_ref().map_or("-".into(), |error| {
            let message: String = error.message.chars().take(70).collect();
            format!("{} at {}.{}: {message}", error.kind, run.slug, error.block.as_deref().unwrap_or("-"))
        });
        let why = why.replace(char::is_numeric, "#");
        *reasons.entry(why).or_default() += 1;
    }
    reasons
}

/// What a kind of fault did.
#[derive(Clone, Default)]
struct Recovery {
    times: usize,
    /// How long after its end runs went on that it had held up, in order.
    held_up: Vec<Duration>,
}

impl Recovery {
    fn columns(&self) -> String {
        let Self { times, held_up } = self;
        let at = |index: usize| held_up.get(index).map_or("-".into(), |time| format!("{:.1}", time.as_secs_f64()));
        let (median, longest) = (at(held_up.len() / 2), at(held_up.len().saturating_sub(1)));
        format!("{times:>5}{:>9}{median:>8}{longest:>8}", held_up.len())
    }
}

/// What each kind of fault did.
fn recovery<'a>(struck: impl Iterator<Item = &'a Struck>, evidence: &Evidence) -> BTreeMap<String, Recovery> {
    let prompt: Vec<&RunRow> = evidence.runs.values().filter(|run| is_prompt(run)).collect();
    let mut kinds: BTreeMap<String, Recovery> = BTreeMap::new();
    for fault in struck {
        let Recovery { times, held_up } = kinds.entry(fault.what.to_string()).or_default();
        *times += 1;
        held_up.extend(prompt.iter().filter(|run| run.created_at < fault.until).filter_map(|run| {
            let after = run.finished_at.filter(|finished| *finished > fault.until)? - fault.until;
            Duration::try_from(after).ok()
        }));
        held_up.sort_unstable();
    }
    kinds
}

/// Prompt runs, the slowest first: how long each took, and when it was started.
fn slowest(struck: &[Struck], evidence: &Evidence) -> Vec<(f64, String, f64)> {
    let begun = struck.first().map(|fault| fault.from);
    let took = |(id, run): (&RunId, &RunRow)| {
        let took = run.finished_at? - run.created_at;
        let began = run.created_at - begun?;
        Some((took.as_seconds_f64(), format!("{:<11}{id}", run.slug), began.as_seconds_f64()))
    };
    let mut runs: Vec<_> = evidence.runs.iter().filter(|(_, run)| is_prompt(run)).filter_map(took).collect();
    runs.sort_by(|one, other| other.0.total_cmp(&one.0));
    runs
}

fn is_prompt(run: &RunRow) -> bool {
    run.status != RunStatus::Cancelled
        && (run.slug == CHILD || Kind::ALL.iter().any(|kind| kind.slug() == run.slug && kind.is_prompt()))
}

/// When each fault struck and was over, for whoever looks for a cause.
pub(crate) fn timeline(struck: &[Struck]) -> String {
    let line = |one: &Struck| format!("  {} to {}: {:?}\n", one.from.time(), one.until.time(), one.what);
    struck.iter().map(line).collect()
}
