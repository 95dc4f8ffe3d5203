//! The demo: a wholesaler with customers, orders, invoices and support tickets, an app and two workflows over them.
//!
//! Everything is made up here by a generator with a fixed seed: the same rows on every machine, about fifty thousand of them. No
//! clock, no outside data.

mod generator;
mod random;
mod sql;

use bulkhead_model::app::AppDocument;
use bulkhead_model::workflow::WorkflowDocument;

pub use sql::write_sql;

/// The app's slug.
pub const APP_SLUG: &str = "customers";
/// The slug of the workflow that a webhook starts.
pub const WORKFLOW_SLUG: &str = "monthly-revenue";
/// The slug of the workflow with one block of every kind.
pub const REMINDERS_SLUG: &str = "payment-reminders";
/// The webhook trigger of [`WORKFLOW_SLUG`].
pub const WEBHOOK_TRIGGER: &str = "revenue";

/// The app "Customers": search, table, invoices of the selected customer, a button that updates the e-mail address.
pub fn app() -> AppDocument {
    serde_json::from_str(include_str!("../documents/customers.app.json"))
        .expect("the demo's app parses: a test loads it")
}

/// The workflow "Monthly revenue": SQL, Python, JavaScript, a branch, a response.
pub fn workflow() -> WorkflowDocument {
    parsed(include_str!("../documents/monthly-revenue.workflow.json"))
}

/// The workflow "Payment reminders": who owes us something, letters to them, a question to a person, and a block of every kind.
pub fn reminders() -> WorkflowDocument {
    parsed(include_str!("../documents/payment-reminders.workflow.json"))
}

fn parsed(text: &str) -> WorkflowDocument {
    serde_json::from_str(text).expect("the demo's workflows parse: a test loads them")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_documents_are_sound() {
        assert_eq!(app().validate(), []);
        assert_eq!(workflow().validate(), []);
        assert_eq!(reminders().validate(), []);
    }

    #[test]
    fn there_is_an_example_of_every_kind_of_block() {
        let kinds: BTreeSet<String> = [workflow(), reminders()]
            .iter()
            .flat_map(|document| document.blocks.values())
            .map(|block| serde_json::to_value(block).expect("a block")["type"].as_str().expect("a kind").to_owned())
            .collect();
        let all = [
            "approval", "branch", "code", "filter", "http", "loop", "parallel", "query", "response", "set", "stop",
            "switch", "try", "wait", "workflow",
        ];
        assert_eq!(kinds, all.map(str::to_owned).into());
    }

    #[test]
    fn the_same_rows_come_every_time() {
        let dump = || {
            let mut out = Vec::new();
            write_sql(&mut out).expect("writes to memory");
            out
        };
        let (one, two) = (dump(), dump());
        assert_eq!(one, two);
        let rows = one.split(|byte| *byte == b'\n').filter(|line| line.contains(&b'\t')).count();
        assert!((45_000..60_000).contains(&rows), "{rows} rows");
    }
}
