//! n8n's expressions as ours: what begins with `$` is replaced by what holds the same here, the rest is JavaScript in both.
//!
//! n8n takes an error such as a field of undefined for undefined. So what follows a replaced name does not fail on a missing value:
//! `$json.user.name` becomes `load[0]?.user?.name`.
//!
//! What has no like here stays as it is. The whole is put in parentheses then, so that the document can be saved, and fails at that
//! place when it runs.

use crate::report::Level;
use crate::scan;

mod dollar;
#[cfg(test)]
pub(crate) mod fake;
mod now;
#[cfg(test)]
mod tests;

pub(crate) use dollar::literal;

/// How deep calls and templates within one another are followed.
const MAX_DEPTH: usize = 40;
/// Problems of one expression that are named.
const MAX_PROBLEMS: usize = 20;

/// What an expression may ask for.
pub(crate) trait Items {
    /// The item at hand.
    fn json(&self) -> String;
    /// All items at hand, as a list.
    fn all(&self) -> String;
    /// The number of the item at hand, from 0.
    fn index(&self) -> String;
    /// Items of another node; else why they are out of reach.
    fn node(&self, name: &str, pick: Pick) -> Result<String, String>;
    /// The workflow's title.
    fn title(&self) -> &str;
    /// The workflow's id in n8n.
    fn id(&self) -> Option<&str>;
    /// The name of the node before, if there is one.
    fn previous(&self) -> Option<String>;
    /// A variable of n8n's, declared by this.
    fn variable(&self, name: &str) -> Option<String>;
    /// Whether the document may grow by so many bytes: a short name may stand for a long expression.
    fn may_grow(&self, bytes: usize) -> bool;
}

/// Which items of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// The one that the item at hand came from.
    Item,
    First,
    Last,
    /// All of them, as a list.
    All,
    /// Whether it has run.
    Ran,
}

/// A translation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Translated {
    /// The expression.
    pub(crate) js: String,
    /// What is not quite the same, or not there.
    pub(crate) problems: Vec<(Level, String)>,
}

/// Translates an expression, the text between `{{` and `}}`.
pub(crate) fn translate(source: &str, items: &dyn Items) -> Translated {
    let source = source.trim().trim_end_matches(';').trim();
    let mut walk = Walk { source, at: 0, out: String::new(), problems: Vec::new(), items, depth: 0 };
    walk.run();
    let Walk { out, problems, .. } = walk;
    let is_complete = problems.iter().all(|(level, _)| *level != Level::Missing);
    let js = if is_complete && begins_well(source, &out) { out } else { format!("({out})") };
    Translated { js, problems }
}

/// Whether the first word is one that the document's check knows: a replaced name, or one of JavaScript's.
fn begins_well(source: &str, out: &str) -> bool {
    const KNOWN: [&str; 14] = [
        "Array",
        "Boolean",
        "Date",
        "JSON",
        "Math",
        "Number",
        "Object",
        "String",
        "false",
        "new",
        "null",
        "true",
        "typeof",
        "undefined",
    ];
    if out.starts_with('{') {
        return false;
    }
    let word = &source[..scan::identifier(source)];
    word.is_empty() || word.starts_with('$') || KNOWN.contains(&word)
}

/// A translation under way.
struct Walk<'s> {
    source: &'s str,
    at: usize,
    out: String,
    problems: Vec<(Level, String)>,
    items: &'s dyn Items,
    depth: usize,
}

impl<'s> Walk<'s> {
    fn run(&mut self) {
        let mut operand = true;
        let mut is_member = false;
        while let Some(c) = self.rest().chars().next() {
            if let Some(end) = scan::after_opaque(self.source, self.at, operand) {
                self.copy_to(end.min(self.source.len()));
                (operand, is_member) = (false, false);
                continue;
            }
            if c == '`' {
                self.template();
                (operand, is_member) = (false, false);
                continue;
            }
            let length = scan::identifier(self.rest());
            if length > 0 {
                self.word(length, is_member);
                (operand, is_member) = (false, false);
                continue;
            }
            if c.is_ascii_digit() {
                // The letter in `1e5` is no name.
                let length = self.rest().find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest().len());
                self.copy_to(self.at + length);
                (operand, is_member) = (false, false);
                continue;
            }
            if !c.is_whitespace() {
                operand = scan::expects_operand(c);
                is_member = c == '.' && !self.out.ends_with("..");
            }
            self.copy_to(self.at + c.len_utf8());
        }
    }

    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn copy_to(&mut self, end: usize) {
        self.out.push_str(&self.source[self.at..end]);
        self.at = end;
    }

    fn problem(&mut self, level: Level, message: impl Into<String>) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push((level, message.into()));
        }
    }

    /// A name of `length` bytes: replaced if it is one of n8n's.
    fn word(&mut self, length: usize, is_member: bool) {
        let word = self.rest()[..length].to_owned();
        if is_member {
            let is_call = self.rest()[length..].trim_start().starts_with('(');
            if is_call && OWN_METHODS.contains(&word.as_str()) {
                self.problem(Level::Missing, format!("`.{word}()` is a method of n8n's own: write it in JavaScript"));
            }
            return self.copy_to(self.at + length);
        }
        if word.starts_with('$') {
            return self.dollar(&word);
        }
        if word == "DateTime" || word == "luxon" {
            self.problem(Level::Missing, format!("`{word}` is not known in expressions: use a code block, or `Date`"));
        }
        self.copy_to(self.at + length);
    }

    /// A template literal: what stands in `${}` is translated.
    fn template(&mut self) {
        let end = scan::after_template(self.source, self.at).unwrap_or(self.source.len());
        self.copy_to(self.at + 1);
        while self.at < end {
            let rest = self.rest();
            let Some(next) = rest[..end - self.at].find("${") else { break };
            let is_escaped = rest[..next].ends_with('\\');
            self.copy_to(self.at + next + 2);
            if is_escaped {
                continue;
            }
            let Some(close) = scan::after_bracket(self.source, self.at - 1).filter(|close| *close <= end) else {
                break;
            };
            let inner = self.inner(self.at, close - 1);
            self.out.push_str(&inner);
            self.at = close - 1;
        }
        self.copy_to(end.max(self.at));
    }

    /// A part of the source, translated by itself.
    fn inner(&mut self, from: usize, to: usize) -> String {
        let source = &self.source[from..to];
        if self.depth >= MAX_DEPTH {
            self.problem(Level::Missing, "it is nested too deeply to be translated");
            return source.to_owned();
        }
        let mut walk =
            Walk { source, at: 0, out: String::new(), problems: Vec::new(), items: self.items, depth: self.depth + 1 };
        walk.run();
        let Walk { out, problems, .. } = walk;
        problems.into_iter().for_each(|(level, message)| self.problem(level, message));
        out
    }
}

/// Methods that n8n gives to texts, numbers, lists, objects and dates, and JavaScript does not.
const OWN_METHODS: &[&str] = &[
    "average",
    "base64Decode",
    "base64Encode",
    "beginningOf",
    "chunk",
    "compact",
    "diffTo",
    "diffToNow",
    "endOfMonth",
    "extract",
    "extractDomain",
    "extractEmail",
    "extractUrl",
    "extractUrlPath",
    "first",
    "hasField",
    "hash",
    "isBetween",
    "isDomain",
    "isEmail",
    "isEmpty",
    "isEven",
    "isNotEmpty",
    "isNumeric",
    "isOdd",
    "isUrl",
    "isWeekend",
    "keepFieldsContaining",
    "last",
    "parseJson",
    "pluck",
    "quote",
    "randomItem",
    "removeDuplicates",
    "removeField",
    "removeFieldsContaining",
    "removeMarkdown",
    "removeTags",
    "renameKeys",
    "replaceSpecialChars",
    "smartJoin",
    "sum",
    "toBoolean",
    "toDateTime",
    "toFloat",
    "toInt",
    "toJsonString",
    "toNumber",
    "toSentenceCase",
    "toSnakeCase",
    "toTitleCase",
    "toWholeNumber",
    "unique",
    "urlDecode",
    "urlEncode",
];
