//! The demo: a wholesaler with customers, orders, invoices and support tickets, an app over them, a workflow over them.
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
/// The workflow's slug.
pub const WORKFLOW_SLUG: &str = "monthly-revenue";
/// The workflow's webhook trigger.
pub const WEBHOOK_TRIGGER: &str = "revenue";

/// The app "Customers": search, table, invoices of the selected customer, a button that updates the e-mail address.
pub fn app() -> AppDocument {
    serde_json::from_str(include_str!("../documents/customers.app.json"))
        .expect("the demo's app parses: a test loads it")
}

/// The workflow "Monthly revenue": SQL, Python, JavaScript, a branch, a response.
pub fn workflow() -> WorkflowDocument {
    serde_json::from_str(include_str!("../documents/monthly-revenue.workflow.json"))
        .expect("the demo's workflow parses: a test loads it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_are_sound() {
        assert_eq!(app().validate(), []);
        assert_eq!(workflow().validate(), []);
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
