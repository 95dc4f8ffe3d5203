//! Names for blocks out of the names of nodes.

use std::collections::BTreeSet;

use bulkhead_model::Name;

/// The longest name before a number or another ending is put behind it.
const MAX_STEM: usize = 50;

/// Words that would hide something from expressions or code if a block had them for a name, besides those that the model refuses:
/// what the importer binds itself, and what JavaScript and Python have.
const AVOIDED: &[&str] = &[
    "abs",
    "all",
    "any",
    "at",
    "bool",
    "bytes",
    "callable",
    "chr",
    "dict",
    "dir",
    "entry",
    "enumerate",
    "error",
    "exports",
    "fetch",
    "fields",
    "filter",
    "float",
    "fold",
    "format",
    "found",
    "frozenset",
    "getattr",
    "hash",
    "id",
    "index",
    "input",
    "inputs",
    "int",
    "item",
    "items",
    "iter",
    "json",
    "key",
    "keyOfOne",
    "keyOfOther",
    "keyed",
    "keys",
    "len",
    "length",
    "list",
    "lists",
    "locals",
    "map",
    "max",
    "min",
    "module",
    "n8nNodes",
    "next",
    "node",
    "number",
    "object",
    "one",
    "open",
    "ord",
    "order",
    "other",
    "others",
    "pow",
    "process",
    "range",
    "repr",
    "require",
    "result",
    "results",
    "reversed",
    "round",
    "run",
    "seen",
    "self",
    "set",
    "sign",
    "slice",
    "sorted",
    "str",
    "structuredClone",
    "sum",
    "tuple",
    "type",
    "value",
    "vars",
    "zip",
];

/// Names that are given already.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// A name like `wanted` that no other block has.
    pub(crate) fn fresh(&mut self, wanted: &str) -> Name {
        let mut stem = camel_case(wanted);
        if AVOIDED.contains(&stem.as_str()) || stem.parse::<Name>().is_err() {
            stem.push_str("Node");
        }
        let mut number = 1_usize;
        loop {
            let candidate = if number == 1 { stem.clone() } else { format!("{stem}_{number}") };
            number += 1;
            if self.taken.contains(&candidate) {
                continue;
            }
            // A stem is letters and digits behind a letter, so that all there is to be refused is a word.
            if let Ok(name) = candidate.parse::<Name>() {
                self.taken.insert(candidate);
                return name;
            }
        }
    }
}

/// `HTTP Request1` as `httpRequest1`: letters and digits, at least one, the first a small letter.
fn camel_case(text: &str) -> String {
    let mut found = String::new();
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if found.is_empty() {
            let word = word.trim_start_matches(|c: char| c.is_ascii_digit());
            let is_shout = word.chars().all(|c| !c.is_ascii_lowercase());
            found = if is_shout { word.to_ascii_lowercase() } else { with_first(word, |c| c.to_ascii_lowercase()) };
        } else {
            found.push_str(&with_first(word, |c| c.to_ascii_uppercase()));
        }
    }
    found.truncate(MAX_STEM);
    if found.is_empty() { "block".to_owned() } else { found }
}

fn with_first(word: &str, change: impl Fn(char) -> char) -> String {
    let mut chars = word.chars();
    chars.next().map(change).into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_like_the_nodes() {
        for (node, block) in [
            ("HTTP Request", "httpRequest"),
            ("HTTP Request1", "httpRequest1"),
            ("Edit Fields", "editFields"),
            ("Set", "setNode"),
            ("If", "ifNode"),
            ("IF", "ifNode"),
            ("getOrders", "getOrders"),
            ("2. Load", "load"),
            ("Größe prüfen", "grEPrFen"),
            ("日本語", "block"),
            ("", "block"),
            ("__proto__", "proto"),
        ] {
            assert_eq!(Names::default().fresh(node).as_str(), block, "{node}");
        }
    }

    #[test]
    fn no_two_blocks_have_one_name() {
        let mut names = Names::default();
        let given: Vec<_> =
            ["Load!", "load", "LOAD", "Load"].iter().map(|node| names.fresh(node).to_string()).collect();
        assert_eq!(given, ["load", "load_2", "load_3", "load_4"]);
        assert!(names.fresh(&"x".repeat(500)).as_str().len() <= 63);
    }
}
