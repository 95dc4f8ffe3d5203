//! What starts runs.

use std::collections::BTreeMap;

use bulkhead_model::Name;
use bulkhead_model::workflow::{Overlap, Schedule, Trigger, Webhook, WebhookReply};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::export::{Export, Link, Node};
use crate::flow::Flow;
use crate::kinds;
use crate::names::Names;
use crate::report::{Level, Report, quoted};

mod schedule;

/// Ends of walks that may lead to the answer of a webhook.
const MAX_ENDS: usize = 40;
/// The name of the answer that a webhook without a node for it gives.
const ANSWER: &str = "Respond";

/// The triggers of a workflow.
#[derive(Debug, Default)]
pub(crate) struct Triggers {
    /// Those that start runs.
    pub(crate) started: Vec<Started>,
    /// That of failing runs.
    pub(crate) on_error: Option<usize>,
    /// Where there are no triggers: the nodes that nothing leads to.
    pub(crate) loose: Vec<usize>,
    /// Those that the document has.
    pub(crate) declared: BTreeMap<Name, Trigger>,
}

/// A trigger, by its place in the export.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) node: usize,
    /// Holds for runs that it started; none for those started by hand.
    pub(crate) when: Option<String>,
}

/// The first item of runs that a trigger started, as an expression.
pub(crate) fn item(node: &Node) -> &'static str {
    match node.kind.as_str() {
        // n8n's item has `headers`, `query` and `body`, as `trigger` has.
        "webhook" => "trigger",
        "errorTrigger" => "({ execution: { id: run.id, error }, workflow: {} })",
        _ => "trigger.body",
    }
}

/// Adds a node that answers, if a webhook is to be answered with what the last node comes to.
pub(crate) fn add_answer(export: &mut Export) {
    let is_last = |node: &&Node| node.kind == "webhook" && !node.disabled && node.text("responseMode") == "lastNode";
    let Some(webhook) = export.nodes.iter().find(is_last) else { return };
    let what = match webhook.text("responseData") {
        "allEntries" => "allIncomingItems",
        "noData" => "noData",
        _ => "firstIncomingItem",
    };
    let code = webhook
        .param("responseCode")
        .as_u64()
        .or_else(|| webhook.at("options.responseCode.values.responseCode").as_u64());
    let params = json!({ "respondWith": what, "options": { "responseCode": code.unwrap_or(200) } });
    let name = format!("{ANSWER} ({})", export.nodes.len() + 1);
    let node = Node {
        name: if export.nodes.iter().all(|node| node.name != ANSWER) { ANSWER.to_owned() } else { name },
        kind: "respondToWebhook".to_owned(),
        params: params.as_object().cloned().unwrap_or_default(),
        position: (i64::MAX, i64::MAX),
        ..Node::default()
    };
    export.nodes.push(node);
}

/// Lets the ends of the walks from the webhook lead to the node that [`add_answer`] added.
pub(crate) fn connect_answer(export: &Export, flow: &mut Flow, report: &mut Report) {
    let Some(answer) = export.nodes.iter().position(|node| node.position.0 == i64::MAX) else { return };
    let is_webhook = |node: &usize| export.nodes[*node].kind == "webhook" && !export.nodes[*node].disabled;
    let mut pending: Vec<usize> = (0..export.nodes.len()).filter(is_webhook).collect();
    let mut seen = vec![false; export.nodes.len()];
    let mut ends = Vec::new();
    while let Some(at) = pending.pop() {
        if std::mem::replace(&mut seen[at], true) {
            continue;
        }
        let node = &export.nodes[at];
        for (output, way) in kinds::outputs(node, false) {
            // The body of a loop ends at its loop.
            if node.kind == "splitInBatches" && way.is_some() {
                continue;
            }
            let targets = flow.targets(at, output);
            if targets.is_empty() {
                ends.push((at, output));
            }
            pending.extend(targets.iter().filter_map(|target| match target {
                crate::flow::Target::Node(node) => Some(*node),
                crate::flow::Target::Fail(_) => None,
            }));
        }
    }
    ends.sort_unstable();
    ends.dedup();
    if ends.len() > MAX_ENDS {
        let message =
            "The webhook answers with what the last node comes to, and too many may be the last: add responses.";
        report.whole(Level::Missing, message);
        return;
    }
    for (from, output) in ends {
        flow.add(Link { from, output, to: answer, input: 0 });
    }
}

/// The triggers of an export.
pub(crate) fn find(export: &Export, flow: &Flow, report: &mut Report) -> Triggers {
    let mut triggers = Triggers::default();
    let mut names = Names::default();
    for (place, node) in export.nodes.iter().enumerate().filter(|(_, node)| kinds::is_trigger(node)) {
        if node.disabled {
            continue;
        }
        if node.kind == "errorTrigger" {
            on_error(&mut triggers, place, node, report);
            continue;
        }
        let when = match node.kind.as_str() {
            "webhook" => Some(webhook(&mut triggers, &mut names, node, report)),
            "executeWorkflowTrigger" => {
                report.node(
                    &node.name,
                    None,
                    Level::Translated,
                    "Another workflow starts it; its input is `trigger.body`.",
                );
                Some("trigger.kind === 'workflow'".to_owned())
            }
            "manualTrigger" | "start" => {
                report.node(&node.name, None, Level::Translated, "Every workflow can be started by hand.");
                None
            }
            _ => match schedules(&mut triggers, &mut names, export, node, report) {
                Some(when) => Some(when),
                None => {
                    other(node, report);
                    None
                }
            },
        };
        triggers.started.push(Started { node: place, when });
    }
    if triggers.started.is_empty() && triggers.on_error.is_none() {
        let is_first = |node: &usize| {
            let kind = export.nodes[*node].kind.as_str();
            !flow.passed_by[*node]
                && kind != "stickyNote"
                && flow.sources(*node).is_empty()
                && !kinds::is_trigger(&export.nodes[*node])
        };
        triggers.loose = (0..export.nodes.len()).filter(is_first).collect();
        triggers.loose.sort_by_key(|node| export.nodes[*node].position);
        report.whole(Level::Changed, "There is no trigger: the workflow begins with the nodes that nothing leads to.");
    }
    triggers
}

fn on_error(triggers: &mut Triggers, place: usize, node: &Node, report: &mut Report) {
    if triggers.on_error.is_some() {
        return report.node(&node.name, None, Level::Missing, "There is another error trigger: this one was left out.");
    }
    triggers.on_error = Some(place);
    let message = "In n8n it hears of other workflows that name this one as their error workflow. Here it is what a failing \
                   run of this workflow goes to; a workflow that has no other trigger begins with it.";
    report.node(&node.name, None, Level::Changed, message);
}

/// Declares a webhook; the condition that holds for runs that it started.
fn webhook(triggers: &mut Triggers, names: &mut Names, node: &Node, report: &mut Report) -> String {
    let path = node.text("path");
    let wanted = if looks_random(path) || path.is_empty() { node.name.as_str() } else { path };
    let name = names.fresh(wanted);
    // Version 1 answers at once unless it is told otherwise, as later ones do.
    let reply = match node.text("responseMode") {
        "lastNode" | "responseNode" => WebhookReply::Response,
        _ => WebhookReply::Accepted,
    };
    let method = node.param("httpMethod").as_str().unwrap_or("GET");
    let mut message =
        format!("Its address is `POST /hooks/<workflow>/{name}`, with a key, in place of `{method} {}`.", quoted(path));
    if method != "POST" {
        message.push_str(" Other methods than POST do not start it.");
    }
    let authentication = node.text("authentication");
    if !authentication.is_empty() && authentication != "none" {
        message.push_str(" The key stands in for n8n's authentication.");
    }
    if reply == WebhookReply::Accepted {
        message.push_str(" The caller is answered at once with 202 and the run's id.");
    }
    report.node(&node.name, None, Level::Changed, message);
    let when = format!("trigger.name === '{name}'");
    triggers.declared.insert(name, Trigger::Webhook(Webhook { reply, ..Webhook::default() }));
    when
}

/// Whether a path is the random one that n8n gives.
fn looks_random(path: &str) -> bool {
    path.len() == 36 && path.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// Declares the schedules of a node; the condition that holds for runs that they started. None where it has none that can be said here.
fn schedules(
    triggers: &mut Triggers,
    names: &mut Names,
    export: &Export,
    node: &Node,
    report: &mut Report,
) -> Option<String> {
    let timezone = export.settings.get("timezone").and_then(Value::as_str).filter(|zone| *zone != "DEFAULT");
    let found = schedule::of(node);
    let known: Vec<Schedule> = found
        .iter()
        .map(|cron| Schedule {
            cron: cron.clone(),
            timezone: timezone.unwrap_or("UTC").to_owned(),
            // n8n starts a run whatever becomes of the one before.
            overlap: Overlap::Allow,
            catch_up_s: 0,
            jitter_s: 0,
            body: Value::Null,
            environment: None,
        })
        .filter(|schedule| schedule.next_after(OffsetDateTime::UNIX_EPOCH).is_some())
        .collect();
    if known.is_empty() || known.len() < found.len() {
        return None;
    }
    let zone = match timezone {
        Some(zone) => format!("in the zone `{}`", quoted(zone)),
        None => "in UTC: the export does not say in which zone n8n had it".to_owned(),
    };
    let crons: Vec<String> = known.iter().map(|schedule| format!("`{}`", schedule.cron)).collect();
    let message = format!("It starts runs at {}, {zone}.", crons.join(", "));
    report.node(&node.name, None, if timezone.is_some() { Level::Translated } else { Level::Changed }, message);
    let mut conditions = Vec::new();
    for schedule in known {
        let name = names.fresh(&node.name);
        conditions.push(format!("trigger.name === '{name}'"));
        triggers.declared.insert(name, Trigger::Schedule(schedule));
    }
    Some(conditions.join(" || "))
}

/// Triggers that the document has no words for.
fn other(node: &Node, report: &mut Report) {
    let schedules = schedule::of(node);
    let message = if schedules.is_empty() {
        format!(
            "There is no trigger of the type `{}` here: start the workflow by hand or by a webhook.",
            quoted(&node.kind)
        )
    } else {
        let schedules: Vec<String> = schedules.iter().map(|cron| format!("`{}`", quoted(cron))).collect();
        format!("It runs on a schedule, and that was not taken over: {}.", schedules.join(", "))
    };
    report.node(&node.name, None, Level::Missing, message);
}
