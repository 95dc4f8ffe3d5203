//! Who may run a query of an app, and which of its values never appear in the audit trail.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppQuery;
use crate::{Fault, Slug};

/// Groups that one query may be for.
const MAX_GROUPS: usize = 50;

/// Who may run a query, and what of it is told to nobody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Privacy {
    /// The groups whose members may run it; everybody who may use the app where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_groups: Vec<Slug>,
    /// Expressions of it whose values never appear in the audit trail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden_parameters: Vec<String>,
}

impl AppQuery {
    pub(super) fn privacy_faults(&self, path: &str, faults: &mut Vec<Fault>) {
        let Privacy { allowed_groups, hidden_parameters } = &self.privacy;
        if allowed_groups.len() > MAX_GROUPS {
            let message = format!("{} groups; the most is {MAX_GROUPS}", allowed_groups.len());
            faults.push(Fault::new(format!("{path}.allowed-groups"), message));
        }
        // What cannot be read has a fault of its own.
        let Ok(expressions) = self.query.expressions() else { return };
        for (index, hidden) in hidden_parameters.iter().enumerate() {
            if !expressions.contains(hidden.trim()) {
                let message = format!("the query holds no {{{{ {hidden} }}}}: its value would not be hidden");
                faults.push(Fault::new(format!("{path}.hidden-parameters.{index}"), message));
            }
        }
    }
}
