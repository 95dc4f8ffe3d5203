//! `audit`: whether the audit trail is what was sealed.
//!
//! The instance checks the chain part by part. That its end was not cut off, or all of it computed anew, is told by hashes that stand
//! elsewhere: in the journal, where bulkhead-jobs-runner writes one a minute while there is something new, or wherever an administrator
//! sends that.

use std::process::{Command, ExitCode};

use anyhow::Result;
use serde::Deserialize;

use crate::api::Api;
use crate::cli::Anchor;

/// What stands in the journal before number and hash.
const TOLD: &str = "the audit trail is sealed up to ";
/// Anchors of the journal that are compared: the newest.
const MOST_ANCHORS: usize = 200;

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Seal {
    number: i64,
    hash: String,
}

#[derive(Deserialize)]
struct Verification {
    from: Seal,
    up_to: Option<Seal>,
    is_end: bool,
    late: i64,
    broken: Option<Break>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Break {
    Missing { from: i64, to: i64 },
    Changed { number: i64, record: i64, at: String },
}

/// Runs `audit verify`.
pub(crate) async fn verify(mut anchors: Vec<Anchor>, no_journal: bool, api: &Api) -> Result<ExitCode> {
    let mut found: Verification = api.get("/audit/verification").await?;
    let begin = found.from.clone();
    let end = loop {
        if let Some(broken) = found.broken {
            println!("BROKEN  {}", told(&broken));
            return Ok(ExitCode::FAILURE);
        }
        let up_to = found.up_to.unwrap_or(found.from);
        if found.is_end {
            break up_to;
        }
        found = api.get(&format!("/audit/verification?after={}&hash={}", up_to.number, up_to.hash)).await?;
    };
    if begin.number > 0 {
        println!("ok      older records were deleted by age: the chain begins after {}", begin.number);
    }
    match end.number {
        0 => println!("ok      nothing is sealed yet"),
        number => println!("ok      records {} to {number} are what was sealed: {}", begin.number + 1, end.hash),
    }
    if found.late > 0 {
        println!(
            "LATE    {} records are not sealed for more than a minute: see the journal of bulkhead-jobs-runner",
            found.late
        );
    }
    match (no_journal, journal()) {
        (true, _) => {}
        (false, Some(lines)) => anchors.extend(anchors_in(&lines)),
        (false, None) => println!("note    there is no journal here to compare with: use --anchor"),
    }
    let mut compared = 0;
    // What was deleted by age has gone with its hash, but for the last.
    for anchor in anchors.iter().filter(|anchor| anchor.number >= begin.number) {
        let stored: Option<Seal> = match anchor.number > end.number {
            true => None,
            false => api.find(&format!("/audit/seals/{}", anchor.number)).await?,
        };
        if let Some(difference) = difference(anchor, stored.as_ref()) {
            println!("BROKEN  {difference}");
            return Ok(ExitCode::FAILURE);
        }
        compared += 1;
    }
    println!("ok      {compared} hashes that stand outside the database agree");
    Ok(if found.late > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn told(broken: &Break) -> String {
    match broken {
        Break::Missing { from, to } if from == to => format!("record number {from} of the chain is gone"),
        Break::Missing { from, to } => format!("records number {from} to {to} of the chain are gone"),
        Break::Changed { number, record, at } => {
            format!("record {record} (number {number} of the chain, {at}) is not what was sealed")
        }
    }
}

/// What is wrong, if the chain does not have what was written down elsewhere.
fn difference(anchor: &Anchor, stored: Option<&Seal>) -> Option<String> {
    let Anchor { number, hash } = anchor;
    match stored {
        Some(stored) if stored.hash == *hash => None,
        Some(stored) => Some(format!(
            "number {number} of the chain has the hash {}, and had {hash} when it was sealed",
            stored.hash
        )),
        None => Some(format!("the end of the trail was cut off: number {number} was sealed as {hash} and is gone")),
    }
}

/// What bulkhead-jobs-runner has written about seals, the oldest first; `None` without a journal.
fn journal() -> Option<String> {
    let arguments = ["--unit=bulkhead-jobs-runner", "--output=cat", "--no-pager", "--quiet", "--grep", TOLD];
    let output = Command::new("journalctl").args(arguments).output().ok()?;
    // It fails, too, where nothing matches.
    (output.status.success() || output.stderr.is_empty()).then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn anchors_in(lines: &str) -> Vec<Anchor> {
    let found = lines.lines().rev().filter_map(|line| line.split_once(TOLD)?.1.parse().ok());
    found.take(MOST_ANCHORS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_tells_numbers_and_hashes_the_newest_first() {
        let (one, two) = ("a".repeat(64), "B".repeat(64));
        let lines = format!("the schema is current\n{TOLD}7 {one}\nINFO {TOLD}12 {two}\n{TOLD}13 short\n");
        let found = anchors_in(&lines);
        assert_eq!(found, [Anchor { number: 12, hash: two.to_lowercase() }, Anchor { number: 7, hash: one }]);
    }

    #[test]
    fn another_hash_and_a_missing_end_are_told() {
        let anchor = Anchor { number: 7, hash: "a".repeat(64) };
        let stored = |hash: String| Seal { number: 7, hash };
        assert_eq!(difference(&anchor, Some(&stored("a".repeat(64)))), None);
        assert!(difference(&anchor, Some(&stored("b".repeat(64)))).is_some_and(|text| text.contains("had aaa")));
        assert!(difference(&anchor, None).is_some_and(|text| text.contains("cut off")));
    }
}
