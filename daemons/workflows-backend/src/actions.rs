//! What a block does on this side of the journal, by its kind.

use bulkhead_model::RunId;
use bulkhead_model::run::{BlockStatus, RunError, RunStatus};
use bulkhead_model::workflow::{
    ApprovalBlock, Block, DeadlineOutcome, Deciders, Port, RunWorkflowBlock, WaitBlock, WaitFor,
};
use bulkhead_rpc::backend::{ActionValues, BlockOutcome, Standing};
use bulkhead_rpc::fetch::{FetchAnswer, FetchRequest};
use bulkhead_store::StoreError;
use bulkhead_store::approvals::NewApproval;
use bulkhead_store::children::{Child, NewChild};
use bulkhead_store::journal::{BlockPlace, PinnedRun};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::body::readable;
use crate::calls::{Ask, Call, Caller, Outcome};
use crate::events::rfc3339;
use crate::routes::{Backend, millis};

/// How many runs may descend from one another.
const MAX_DEPTH: i32 = 16;
/// The longest question, in characters.
const MAX_TITLE: usize = 500;
const MAX_DESCRIPTION: usize = 20_000;

/// A block of a run that acts.
pub(crate) struct Action<'a> {
    pub(crate) run: RunId,
    pub(crate) pinned: &'a PinnedRun,
    pub(crate) place: &'a BlockPlace,
    pub(crate) started_at: OffsetDateTime,
}

impl Backend {
    /// Has a block act, or finds what became of it. None where the values are for another kind of block.
    pub(crate) async fn act(
        &self,
        action: &Action<'_>,
        block: &Block,
        values: ActionValues,
    ) -> Result<Option<BlockOutcome>, StoreError> {
        let outcome = match (block, values) {
            // The statement is the pinned release's: a worker supplies values, never SQL.
            (Block::Query(block), ActionValues::Query { parameters }) => {
                let ask = Ask::Query { query: block.query.clone(), parameters };
                outcome_of(self.call(action, ask, block.idempotent).await?)
            }
            (Block::Http(block), ActionValues::Http { request }) if request.method == block.method => {
                self.send(action, request, block.idempotent).await?
            }
            (Block::Approval(block), ActionValues::Approval { title, description }) => {
                self.ask_people(action, block, &title, &description).await?
            }
            (Block::Wait(WaitBlock { wait_for: WaitFor::Event(wait) }), ActionValues::Event { key }) => {
                self.wait_for_event(action, wait, &key).await?
            }
            (Block::Workflow(block), ActionValues::Workflow { input }) => {
                self.run_workflow(action, block, input).await?
            }
            _ => return Ok(None),
        };
        Ok(Some(outcome))
    }

    async fn call(&self, action: &Action<'_>, ask: Ask, idempotent: bool) -> Result<Outcome, StoreError> {
        let (place, environment) = (action.place.clone(), action.pinned.environment);
        let call = Call { run: Some(action.run), place, by: Caller::Block, ask, idempotent, environment };
        self.calls.make(call).await
    }

    async fn send(
        &self,
        action: &Action<'_>,
        request: FetchRequest,
        idempotent: bool,
    ) -> Result<BlockOutcome, StoreError> {
        let answer = match self.call(action, Ask::Fetch(request), idempotent).await? {
            Ok(answer) => answer,
            failed => return Ok(outcome_of(failed)),
        };
        let Ok(answer) = serde_json::from_value::<FetchAnswer>(answer) else {
            return Ok(BlockOutcome::failed(RunError::new("fetch-broken", "the answer is not understood")));
        };
        let (status, result) = (answer.status, readable(answer));
        if status < 400 {
            return Ok(BlockOutcome::succeeded(result));
        }
        let said: String = result["body"].as_str().map_or_else(|| result["body"].to_string(), str::to_owned);
        let said: String = said.chars().take(300).collect();
        let message = format!("the other side answered with status {status}: {said}");
        Ok(BlockOutcome { result, ..BlockOutcome::failed(RunError::new("http-status", message)) })
    }

    async fn ask_people(
        &self,
        action: &Action<'_>,
        block: &ApprovalBlock,
        title: &str,
        description: &str,
    ) -> Result<BlockOutcome, StoreError> {
        let after = |seconds: u32| action.started_at + time::Duration::seconds(seconds.into());
        let deadline = block.deadline_s.map(after);
        let escalate_at = block.escalate_after_s.map(after);
        let deciders = Deciders { people: block.people.clone(), groups: block.groups.clone() };
        let new = NewApproval {
            run: action.run,
            place: action.place,
            workflow: action.pinned.workflow,
            title: &storable(title, MAX_TITLE),
            description: &storable(description, MAX_DESCRIPTION),
            deciders: &deciders,
            form: &block.form,
            escalation: escalate_at.map(|at| (at, &block.escalate_to)),
            deadline,
        };
        let Some(decision) = self.database.ask(&new, block.at_deadline == DeadlineOutcome::Approve).await? else {
            let (until_ms, escalates_ms) = (deadline.map(millis), escalate_at.map(millis));
            return Ok(BlockOutcome::running(json!(Standing { until_ms, escalates_ms, ..Standing::default() })));
        };
        if decision.by.is_none() && block.at_deadline == DeadlineOutcome::Fail {
            let message = "nobody has decided before the deadline";
            return Ok(BlockOutcome::failed(RunError::new("deadline-passed", message)));
        }
        let port = if decision.approved { Port::APPROVED } else { Port::REJECTED };
        let result = json!({
            "approved": decision.approved, "decision": port, "by": decision.by, "comment": decision.comment, "at": rfc3339(decision.at),
            "form": decision.answers.unwrap_or_else(|| json!({})),
        });
        Ok(BlockOutcome { port: Some(Port::known(port)), ..BlockOutcome::succeeded(result) })
    }

    async fn run_workflow(
        &self,
        action: &Action<'_>,
        block: &RunWorkflowBlock,
        input: Value,
    ) -> Result<BlockOutcome, StoreError> {
        if let Some(child) = self.database.child(action.run, action.place).await? {
            return Ok(outcome_of_child(block, child));
        }
        let depth = action.pinned.depth + 1;
        if depth > MAX_DEPTH {
            let message = format!(
                "{MAX_DEPTH} runs descend from one another already: does `{}` run itself without an end?",
                block.workflow
            );
            return Ok(BlockOutcome::failed(RunError::new("too-deep", message)));
        }
        let trigger = json!({ "kind": "workflow", "body": input, "run": action.run });
        let new = NewChild {
            parent: action.run,
            place: action.place,
            depth,
            workflow: block.workflow.as_str(),
            trigger: &trigger,
            waits: block.wait,
        };
        if !self.database.start_child(&new).await? {
            let message = format!("there is no released workflow `{}`: release it, or choose another", block.workflow);
            return Ok(BlockOutcome::failed(RunError::new("workflow-unknown", message)));
        }
        let child = self.database.child(action.run, action.place).await?;
        let child = child.ok_or(StoreError::NotFound { operation: "look for the run of a block" })?;
        Ok(outcome_of_child(block, child))
    }
}

/// The text that PostgreSQL can hold, cut to `limit` characters.
fn storable(text: &str, limit: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(limit).collect()
}

fn outcome_of(outcome: Outcome) -> BlockOutcome {
    match outcome {
        Ok(value) => BlockOutcome::succeeded(value),
        // Under a call that was changed stands another one, which may have taken effect.
        Err(error) if ["outcome-unknown", "call-changed"].contains(&error.kind.as_str()) => {
            BlockOutcome { status: BlockStatus::OutcomeUnknown, ..BlockOutcome::failed(error) }
        }
        Err(error) => BlockOutcome::failed(error),
    }
}

fn outcome_of_child(block: &RunWorkflowBlock, child: Child) -> BlockOutcome {
    if !block.wait {
        return BlockOutcome::succeeded(json!({ "run": child.run }));
    }
    match child.status {
        RunStatus::Queued | RunStatus::Running | RunStatus::Waiting => {
            BlockOutcome::running(json!({ "run": child.run }))
        }
        RunStatus::Succeeded => {
            let result = child.response.map_or(child.result, |response| response.body);
            BlockOutcome::succeeded(result)
        }
        RunStatus::Cancelled => {
            let message = format!("the run {} of `{}` was cancelled", child.run, block.workflow);
            BlockOutcome::failed(RunError::new("workflow-cancelled", message))
        }
        RunStatus::Failed => {
            let cause = child.error.map(|error| error.message).unwrap_or_default();
            let message = format!("the run {} of `{}` failed: {cause}", child.run, block.workflow);
            BlockOutcome::failed(RunError::new("workflow-failed", message))
        }
    }
}
