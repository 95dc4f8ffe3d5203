//! A storm: runs are started at a steady rate while daemons, servers and connections are killed, frozen and cut by a schedule that
//! follows from a seed. Then the journal is held against what was counted outside.
//!
//! Partitions are made by relays in this process, which can be silent or deaf as well as cut, and want no rights. They stand between the
//! workers and Temporal, between each daemon and PostgreSQL, and between db-connector and what it writes to. Where root runs it, Temporal and
//! the server outside are each in a network of their own besides, whose cable can be pulled.

mod cluster;
mod dice;
mod evidence;
mod faults;
mod load;
mod options;
mod outside;
mod plan;
#[path = "../worker/programs.rs"]
mod programs;
mod relay;
mod report;
mod verdict;
mod workflows;
mod world;

use std::time::Instant;

use crate::evidence::Evidence;
use crate::faults::Struck;
use crate::load::Load;
use crate::options::Options;
use crate::plan::Plan;
use crate::verdict::Complaint;
use crate::world::World;

/// How many complaints are shown with all that the journal says.
const SHOWN: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_loses_no_run_and_doubles_no_effect() {
    let options = Options::of_environment();
    let plan = Plan::of(options.seed, options.seconds, options.runs);
    let world = World::start().await;
    let load = Load::new(&world);
    let begun = Instant::now();
    let answers = plan.starts.iter().map(|start| (start.number, start.approve)).collect();
    let answering = tokio::spawn({
        let load = load.clone();
        async move { load.answer_questions(answers).await }
    });

    let (struck, ()) =
        tokio::join!(faults::rage(&world, plan.faults, begun), load.start_all(plan.starts.clone(), begun));
    let evidence = Evidence::of(&world).await;
    answering.abort();

    let told = load.told();
    println!("{}", report::table(&options, &told, &struck, &evidence));
    let mut complaints = verdict::judge(&plan.starts, &told, &evidence);
    let of_faults = struck.iter().filter_map(|struck| struck.complaint.clone());
    complaints.extend(of_faults.map(|what| Complaint { run: None, what }));
    assert!(complaints.is_empty(), "{}the logs are in {}", accuse(&complaints, &struck, &evidence), world.keep_logs());
}

/// All complaints, and what it takes to find their causes.
fn accuse(complaints: &[Complaint], struck: &[Struck], evidence: &Evidence) -> String {
    let mut text = format!("{} complaints about this storm\n", complaints.len());
    for Complaint { run, what } in complaints {
        text += &format!("{}: {what}\n", run.map(|run| run.to_string()).unwrap_or_default());
    }
    let mut runs: Vec<_> = complaints.iter().filter_map(|complaint| complaint.run).collect();
    runs.sort_unstable();
    runs.dedup();
    text += "what the journal says of them\n";
    text.extend(runs.into_iter().take(SHOWN).map(|run| evidence.describe(run)));
    text + "what struck\n" + &report::timeline(struck)
}
