//! How an answer that comes in pages is asked for whole.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Fault;

/// Pages at most.
const MAX_PAGES: u32 = 1000;

/// Page after page, until there is no more, or the query's rows, bytes or time are reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Paging {
    /// How the next page is asked for.
    pub pages: Pages,
    /// Pages at most, 1 to 1000; 10 by default.
    #[serde(default = "default_most")]
    pub at_most: u32,
}

/// How the next page is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Pages {
    /// The answer's `Link` header names it as `rel="next"`.
    LinkHeader,
    /// The answer holds a cursor, which becomes a query parameter.
    Cursor {
        /// Where the cursor is, as a JSON pointer: `/meta/next`. No cursor, or null: that was the last page.
        cursor: String,
        /// The query parameter.
        parameter: String,
    },
    /// The pages are counted.
    Page {
        /// The query parameter for the page's number.
        parameter: String,
        /// The number of the first one; 1 by default.
        #[serde(default = "default_first")]
        first: u32,
    },
    /// The items are counted.
    Offset {
        /// The query parameter for the number of items to pass by.
        parameter: String,
    },
}

fn default_most() -> u32 {
    10
}

fn default_first() -> u32 {
    1
}

impl Pages {
    /// The query parameter that it sets.
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Self::LinkHeader => None,
            Self::Cursor { parameter, .. } | Self::Page { parameter, .. } | Self::Offset { parameter } => {
                Some(parameter)
            }
        }
    }
}

impl Paging {
    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        if !(1..=MAX_PAGES).contains(&self.at_most) {
            faults.push(Fault::new(format!("{path}.at-most"), format!("must be between 1 and {MAX_PAGES}")));
        }
        if let Some(parameter) = self.pages.parameter()
            && (parameter.is_empty() || parameter.len() > 256 || parameter.contains("{{"))
        {
            let message = "must have 1 to 256 characters, without a binding";
            faults.push(Fault::new(format!("{path}.pages.parameter"), message));
        }
        if let Pages::Cursor { cursor, .. } = &self.pages
            && let Some(message) = pointer_fault(cursor)
        {
            faults.push(Fault::new(format!("{path}.pages.cursor"), message));
        }
    }
}

/// Why a text is no JSON pointer (RFC 6901), if it is none.
pub(super) fn pointer_fault(pointer: &str) -> Option<&'static str> {
    let is_one = (pointer.is_empty() || pointer.starts_with('/')) && pointer.len() <= 1024 && !pointer.contains("{{");
    (!is_one).then_some("must be a JSON pointer such as /data/users, without a binding")
}
