//! What a storm came to, as a table.

use std::collections::BTreeMap;
use std::time::Duration;

use bulkhead_model::run::RunStatus;

use crate::evidence::{Evidence, RunRow};
use crate::faults::Struck;
use crate::load::Told;
use crate::options::Options;
use crate::verdict::UNKNOWN;
use crate::workflows::{CHILD, Kind};

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
    let unknown = evidence.calls.values().filter(|call| call.status == UNKNOWN).count();
    line("calls of unknown outcome", format!("{unknown} of {}", evidence.calls.len()));
    text += "\nwhy runs failed\n";
    for (why, count) in reasons(evidence) {
        text += &format!("{count:>6}  {why}\n");
    }
    text += "\nfault                           times  held up   p50 s   max s\n";
    for (kind, (times, held_up)) in recovery(struck, evidence) {
        let at = |index: usize| held_up.get(index).map_or("-".into(), |time| format!("{:.1}", time.as_secs_f64()));
        let (median, longest) = (at(held_up.len() / 2), at(held_up.len().saturating_sub(1)));
        text += &format!("{kind:<32}{times:>5}{:>9}{median:>8}{longest:>8}\n", held_up.len());
    }
    text + "\nHeld up are prompt runs that were under way when the fault struck and ended after it was over; the times are from its end\n\
        to theirs. Faults overlap, so each is an upper bound.\n"
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

/// How often each kind of fault struck, and how long after its end runs that it had struck went on, in order.
fn recovery(struck: &[Struck], evidence: &Evidence) -> BTreeMap<String, (usize, Vec<Duration>)> {
    let prompt: Vec<&RunRow> = evidence.runs.values().filter(|run| is_prompt(run)).collect();
    let mut kinds: BTreeMap<String, (usize, Vec<Duration>)> = BTreeMap::new();
    for fault in struck {
        let (times, held_up) = kinds.entry(fault.what.to_string()).or_default();
        *times += 1;
        held_up.extend(prompt.iter().filter(|run| run.created_at < fault.until).filter_map(|run| {
            let after = run.finished_at.filter(|finished| *finished > fault.until)? - fault.until;
            Duration::try_from(after).ok()
        }));
    }
    for (_, held_up) in kinds.values_mut() {
        held_up.sort_unstable();
    }
    kinds
}

fn is_prompt(run: &RunRow) -> bool {
    run.status != RunStatus::Cancelled
        && (run.slug == CHILD || Kind::ALL.iter().any(|kind| kind.slug() == run.slug && kind.is_prompt()))
}
