//! Wait, Respond to Webhook, Stop and Error, Execute Workflow, Loop Over Items.

use bulkhead_model::Slug;
use bulkhead_model::workflow::{
    Block, EventWait, MAX_RUN_SECONDS, ResponseBlock, RunWorkflowBlock, StopBlock, StopStatus, TimeoutOutcome,
    WaitBlock, WaitFor,
};
use serde_json::{Value, json};

use super::{Made, Task, http, looped as loop_over};
use crate::kinds;
use crate::report::{Level, quoted};
use crate::text::Writer;
use crate::view::{Place, View};

/// A Wait.
pub(super) fn wait(task: &Task<'_>, writer: &mut Writer<'_>) -> Made {
    let node = task.node;
    let wait_for = match node.param("resume").as_str().unwrap_or("timeInterval") {
        "timeInterval" => {
            // Its first version waited for an hour unless told otherwise.
            let (amount, unit) = if node.version < 1.1 { (1, "hours") } else { (5, "seconds") };
            let length = seconds_of(node.param("unit").as_str().unwrap_or(unit));
            let given = node.param("amount");
            WaitFor::Seconds(match given.as_f64().or_else(|| given.is_null().then_some(f64::from(amount))) {
                Some(amount) => (amount * f64::from(length)).clamp(0.0, 31_622_400.0).to_string(),
                None => format!("Number({}) * {length}", writer.expression(given)),
            })
        }
        "specificTime" => {
            writer.problem(Level::Changed, "A time without a zone is none here: write it as `2026-05-01T09:00:00Z`.");
            WaitFor::Until(writer.expression(node.param("dateTime")))
        }
        "webhook" => event(task, writer)?,
        "form" => return Err("It waits for somebody to fill in a form: use an approval block with a form.".to_owned()),
        other => return Err(format!("It waits for `{}`, for which there is no word here.", quoted(other))),
    };
    Ok(Block::Wait(WaitBlock { wait_for }))
}

/// A Wait for a call: an event with the run's id for its key, by which one run is told from another.
fn event(task: &Task<'_>, writer: &mut Writer<'_>) -> Result<WaitFor, String> {
    let node = task.node;
    let name = task.plan.name(task.place).cloned().ok_or("It has no name here.")?;
    writer.problem(
        Level::Changed,
        format!(
            "Nobody calls an address of the run here: let whoever did send the event `{name}` with the run's id (`run.id`) as its key, \
             by the API or by a webhook trigger that delivers it. What it carries is `body`."
        ),
    );
    let limit = match (node.param("limitWaitTime") == &json!(true), node.param("limitType").as_str()) {
        (true, None | Some("afterTimeInterval")) => {
            let length = seconds_of(node.param("resumeUnit").as_str().unwrap_or("hours"));
            let amount = node.param("resumeAmount").as_f64().unwrap_or(1.0);
            Some((amount * f64::from(length)).clamp(1.0, f64::from(MAX_RUN_SECONDS)) as u32)
        }
        (true, Some(_)) => {
            writer.problem(Level::Changed, "Its limit is a point in time: give the block a timeout in seconds.");
            None
        }
        (false, _) => None,
    };
    // n8n goes on when the time is over.
    let at_timeout = if limit.is_some() { TimeoutOutcome::Continue } else { TimeoutOutcome::Fail };
    Ok(WaitFor::Event(EventWait { name, key: "run.id".to_owned(), timeout_s: limit, at_timeout }))
}

fn seconds_of(unit: &str) -> u32 {
    match unit {
        "minutes" => 60,
        "hours" => 3_600,
        "days" => 86_400,
        _ => 1,
    }
}

/// A Respond to Webhook.
pub(super) fn response(task: &Task<'_>, writer: &mut Writer<'_>) -> Made {
    let node = task.node;
    let given = View::of(task.plan, task.place, Place::Once).given;
    let body = match node.param("respondWith").as_str().unwrap_or("firstIncomingItem") {
        "firstIncomingItem" => given.map_or_else(|| "null".to_owned(), |given| given.one),
        "allIncomingItems" => given.map_or_else(|| "[]".to_owned(), |given| given.all),
        "json" => writer.json(node.param("responseBody")),
        "text" => {
            writer.problem(
                Level::Changed,
                "n8n answers with plain text; here the body is JSON, so the text is in quotes.",
            );
            writer.expression(node.param("responseBody"))
        }
        "noData" => "null".to_owned(),
        other => return Err(format!("It answers with `{}`, for which there is no word here.", quoted(other))),
    };
    let code = node.at("options.responseCode");
    let status = code.as_u64().and_then(|code| u16::try_from(code).ok()).filter(|code| (200..=599).contains(code));
    if status.is_none() && !code.is_null() {
        writer.problem(
            Level::Changed,
            format!("Its status {} is none of 200 to 599 written out: it is 200 here.", quoted(&code.to_string())),
        );
    }
    let entries = node.list("options.responseHeaders.entries");
    let headers = http::headers(entries, writer);
    let body = if body.trim().is_empty() { "null".to_owned() } else { body };
    Ok(Block::Response(ResponseBlock { status: status.unwrap_or(200), headers, body }))
}

/// A Stop and Error.
pub(super) fn stop(task: &Task<'_>, writer: &mut Writer<'_>) -> Made {
    let node = task.node;
    let message = if node.text("errorType") == "errorObject" {
        let object = writer.json(node.param("errorObject"));
        format!("{{{{ JSON.stringify({object}) }}}}")
    } else {
        writer.template(node.param("errorMessage"))
    };
    Ok(Block::Stop(StopBlock { status: StopStatus::Failed, message }))
}

/// An Execute Workflow. The other workflow is known by a name here, and by an id in the file.
pub(super) fn workflow(task: &Task<'_>, writer: &mut Writer<'_>) -> Made {
    let node = task.node;
    let source = node.param("source").as_str().unwrap_or("database");
    if source != "database" {
        return Err("The workflow that it runs stands in the node or in a file: import it by itself.".to_owned());
    }
    let chosen = node.param("workflowId");
    let name = chosen["cachedResultName"].as_str();
    let id = chosen["value"].as_str().or(chosen.as_str()).unwrap_or_default();
    let slug = slug_like(name.unwrap_or(id)).ok_or("The workflow that it runs is not named.")?;
    let message =
        format!("It runs the workflow `{slug}`: name the one that `{}` became here.", quoted(name.unwrap_or(id)));
    writer.problem(Level::Changed, message);
    let is_each = node.text("mode") == "each";
    let given = View::of(task.plan, task.place, Place::Once).given;
    let fields = node.at("workflowInputs.value").as_object().filter(|fields| !fields.is_empty());
    let input = match fields {
        Some(fields) => writer.expression(&Value::Object(fields.clone())),
        None if is_each && task.plan.given.facts.is_looped(task.plan.given.export, task.place) => "item".to_owned(),
        None => given.map_or_else(String::new, |given| if given.many { given.all } else { given.one }),
    };
    let wait = node.at("options.waitForSubWorkflow") != &json!(false);
    Ok(Block::Workflow(RunWorkflowBlock { workflow: slug, input, wait }))
}

/// A name for addresses that reads like a title.
fn slug_like(text: &str) -> Option<Slug> {
    let mut found = String::new();
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if found.len() + word.len() >= 60 {
            break;
        }
        if !found.is_empty() {
            found.push('-');
        }
        found.push_str(&word.to_ascii_lowercase());
    }
    found.parse().ok()
}

/// A Loop Over Items.
pub(super) fn looped(task: &Task<'_>, writer: &mut Writer<'_>) -> Made {
    if task.node.at("options.reset") == true {
        writer.problem(
            Level::Changed,
            "In n8n it can begin anew with other items; here it goes over the items that it is given once.",
        );
    }
    if task.plan.hands_back(task.place) {
        let message = "Its body ends with a block that only passes items on, so behind it stand the items that it was given: \
                       let a code block end the body if others are meant.";
        writer.problem(Level::Changed, message);
    }
    let all = View::of(task.plan, task.place, Place::Once).given.map_or_else(|| "[]".to_owned(), |given| given.all);
    let size = kinds::batch_size(task.node);
    if size == 1 {
        return Ok(Block::Loop(loop_over(&all)));
    }
    let over = format!(
        "((all) => Array.from({{ length: Math.ceil(all.length / {size}) }}, (_, at) => all.slice(at * {size}, (at + 1) * {size})))({all})"
    );
    writer.problem(Level::Changed, format!("Its items are the batches: lists of up to {size}."));
    Ok(Block::Loop(loop_over(&over)))
}
