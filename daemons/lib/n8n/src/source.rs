//! The items of a node as expressions, and of several nodes as one.

use crate::shape::Id;

/// The items of a node, as expressions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    /// The first of them.
    pub(crate) one: String,
    /// All of them, a list.
    pub(crate) all: String,
    /// Whether there may be several.
    pub(crate) many: bool,
    /// Holds if there are any because the node has run; none if it has in any case.
    pub(crate) ran: Option<String>,
    /// The higher, the later the node runs.
    pub(crate) rank: usize,
    /// The block whose result they are, if it is one block's.
    pub(crate) from: Option<Id>,
}

/// Whether the block of a name has run.
pub(crate) fn ran(name: &str) -> String {
    format!("typeof {name} !== 'undefined'")
}

/// The items of several nodes: those of the last one that has run, or of all that have if none leads to another.
pub(crate) fn joined(mut found: Vec<Source>, leads_to: impl Fn(Id, Id) -> bool) -> Source {
    found.sort_by_key(|source| (source.ran.is_none(), std::cmp::Reverse(source.rank)));
    let is_ancestor = |one: &Source| match one.from {
        Some(one) => found.iter().any(|other| other.from.is_some_and(|other| leads_to(one, other))),
        None => true,
    };
    let all = if found.iter().any(is_ancestor) {
        chosen(&found, |source| &source.all)
    } else {
        let each = found.iter().map(|source| match &source.ran {
            Some(ran) => format!("...({ran} ? {} : [])", source.all),
            None => format!("...{}", source.all),
        });
        format!("[{}]", each.collect::<Vec<_>>().join(", "))
    };
    Source {
        one: chosen(&found, |source| &source.one),
        all,
        many: found.iter().any(|source| source.many),
        rank: found.iter().map(|source| source.rank).max().unwrap_or_default(),
        ..Source::default()
    }
}

/// The expression of the first that has run, or of the last of them.
fn chosen(found: &[Source], of: impl Fn(&Source) -> &String) -> String {
    let mut out = String::from("(");
    for (number, source) in found.iter().enumerate() {
        match &source.ran {
            Some(ran) if number + 1 < found.len() => out.push_str(&format!("{ran} ? {} : ", of(source))),
            _ => {
                out.push_str(of(source));
                break;
            }
        }
    }
    out.push(')');
    out
}
