//! The names of n8n's that begin with `$`.

use super::{Pick, Walk};
use crate::report::Level;
use crate::scan;

/// What takes the place of a name.
enum Found {
    /// A value that may be missing, whose fields may be asked for.
    Value(String),
    /// A value that is always there.
    Sound(String),
    /// Nothing: why.
    Nothing(String),
}

impl Walk<'_> {
    /// Replaces the name at hand and what belongs to it.
    pub(super) fn dollar(&mut self, word: &str) {
        let start = self.at;
        self.at += word.len();
        let found = match self.find(word) {
            Found::Value(js) | Found::Sound(js) if !self.items.may_grow(js.len()) => {
                Found::Nothing("the file asks for more than a document can hold".to_owned())
            }
            found => found,
        };
        match found {
            Found::Value(js) => {
                self.out.push_str(&js);
                self.chain(js.ends_with(']'));
            }
            Found::Sound(js) => self.out.push_str(&js),
            Found::Nothing(why) => {
                self.problem(Level::Missing, why);
                self.at = start;
                self.copy_to(start + word.len());
            }
        }
    }

    fn find(&mut self, word: &str) -> Found {
        match word {
            "$json" => Found::Value(self.items.json()),
            "$" => self.named(),
            "$node" => self.old_named(),
            "$input" => self.input(),
            "$items" => self.listed(),
            "$itemIndex" => Found::Sound(self.items.index()),
            "$runIndex" => Found::Sound("0".to_owned()),
            "$now" | "$today" => self.now(word == "$today"),
            "$execution" => self.execution(),
            "$workflow" => self.workflow(),
            "$vars" => self.variable(),
            "$prevNode" => self.previous(),
            "$max" => Found::Sound("Math.max".to_owned()),
            "$min" => Found::Sound("Math.min".to_owned()),
            "$env" => Found::Nothing("`$env` is not known here: use `secret('name')` or a variable".to_owned()),
            "$secrets" => Found::Nothing("`$secrets` is not known here: use `secret('name')`".to_owned()),
            "$binary" => Found::Nothing("`$binary` is not known here: files are not passed on".to_owned()),
            other => Found::Nothing(format!("`{other}` is not known here")),
        }
    }

    /// `$('Node')` and what is asked of it.
    fn named(&mut self) -> Found {
        let Some(name) = self.call_of_text() else {
            return Found::Nothing("`$()` with a name that is computed cannot be followed".to_owned());
        };
        let asked = self.member();
        self.items_of(asked.as_deref(), |walk, pick| walk.items.node(&name, pick))
    }

    /// `$node["Node"].json`.
    fn old_named(&mut self) -> Found {
        let Some(name) = self.member() else {
            return Found::Nothing("`$node` with a name that is computed cannot be followed".to_owned());
        };
        match self.member().as_deref() {
            Some("json" | "data") => self.looked_up(&name, Pick::Item),
            Some("runIndex") => Found::Sound("0".to_owned()),
            _ => Found::Nothing(format!("of `$node[\"{name}\"]` only `json` is known here")),
        }
    }

    fn looked_up(&self, name: &str, pick: Pick) -> Found {
        match self.items.node(name, pick) {
            Ok(js) => Found::Value(js),
            Err(why) => Found::Nothing(why),
        }
    }

    fn input(&mut self) -> Found {
        let asked = self.member();
        self.items_of(asked.as_deref(), |walk, pick| {
            let all = walk.items.all();
            Ok(match pick {
                Pick::Item => walk.items.json(),
                Pick::First => first_of(&all),
                Pick::Last => format!("{all}.at(-1)"),
                Pick::All => all,
                Pick::Ran => "true".to_owned(),
            })
        })
    }

    /// What is asked of the items of a node: `item`, `first()`, `all()` and so on.
    fn items_of(&mut self, asked: Option<&str>, get: impl Fn(&Self, Pick) -> Result<String, String>) -> Found {
        let pick = match asked {
            Some("item") => Pick::Item,
            Some("first") if self.empty_call() => Pick::First,
            Some("last") if self.empty_call() => Pick::Last,
            Some("all") if self.empty_call() => Pick::All,
            Some("itemMatching" | "pairedItem") => {
                let argument = self.argument();
                let index = if asked == Some("itemMatching") { argument.unwrap_or_default() } else { String::new() };
                return match get(self, Pick::All) {
                    Ok(all) if !index.is_empty() => self.json_of(format!("{all}[{index}]")),
                    Ok(_) => get(self, Pick::Item).map_or_else(Found::Nothing, |item| self.json_of(item)),
                    Err(why) => Found::Nothing(why),
                };
            }
            Some("isExecuted") => return get(self, Pick::Ran).map_or_else(Found::Nothing, Found::Sound),
            Some(other) => return Found::Nothing(format!("`.{other}` of a node is not known here")),
            None => return Found::Nothing("what is asked of a node cannot be followed".to_owned()),
        };
        match get(self, pick) {
            Ok(all) if pick == Pick::All => Found::Sound(format!("{all}.map((json) => ({{ json }}))")),
            Ok(item) => self.json_of(item),
            Err(why) => Found::Nothing(why),
        }
    }

    /// An item whose `json` is asked for, which is what we have of it.
    fn json_of(&mut self, item: String) -> Found {
        let before = self.at;
        match self.member().as_deref() {
            Some("json") => Found::Value(item),
            Some("binary") => Found::Nothing("files are not passed on here".to_owned()),
            _ => {
                self.at = before;
                Found::Sound(format!("({{ json: {item} }})"))
            }
        }
    }

    /// `$items()` and `$items("Node")`: lists of `{json}`.
    fn listed(&mut self) -> Found {
        let all = match self.call_of_text() {
            Some(name) => match self.items.node(&name, Pick::All) {
                Ok(all) => all,
                Err(why) => return Found::Nothing(why),
            },
            None if self.empty_call() => self.items.all(),
            None => return Found::Nothing("`$items` with a name that is computed cannot be followed".to_owned()),
        };
        Found::Sound(format!("{all}.map((json) => ({{ json }}))"))
    }

    fn execution(&mut self) -> Found {
        match self.member().as_deref() {
            Some("id") => Found::Sound("run.id".to_owned()),
            Some("mode") => {
                self.problem(Level::Changed, "`$execution.mode` is `trigger.kind` here, with other words");
                Found::Sound("trigger.kind".to_owned())
            }
            _ => Found::Nothing("of `$execution` only `id` is known here".to_owned()),
        }
    }

    fn workflow(&mut self) -> Found {
        match self.member().as_deref() {
            Some("name") => Found::Sound(literal(self.items.title())),
            Some("id") => {
                self.problem(Level::Changed, "`$workflow.id` is the id that the workflow had in n8n");
                Found::Sound(literal(self.items.id().unwrap_or_default()))
            }
            Some("active") => Found::Sound("true".to_owned()),
            _ => Found::Nothing("of `$workflow` only `name` and `id` are known here".to_owned()),
        }
    }

    fn variable(&mut self) -> Found {
        let declared = self.member().and_then(|name| self.items.variable(&name));
        match declared {
            Some(variable) => {
                let message = format!("n8n's variables are not in the file: give `{variable}` its value");
                self.problem(Level::Changed, message);
                Found::Value(variable)
            }
            None => Found::Nothing("this variable cannot be declared: see the workflow's variables".to_owned()),
        }
    }

    fn previous(&mut self) -> Found {
        match (self.member().as_deref(), self.items.previous()) {
            (Some("name"), Some(name)) => Found::Sound(literal(&name)),
            _ => Found::Nothing("of `$prevNode` only `name` is known here, behind a single node".to_owned()),
        }
    }

    /// Fields, indexes and calls behind a value that may be missing.
    fn chain(&mut self, mut may_miss: bool) {
        loop {
            let rest = self.rest();
            let gap = rest.len() - rest.trim_start().len();
            let (mark, is_asking) = match rest.trim_start().as_bytes() {
                [b'?', b'.', ..] => (2, true),
                [b'.', ..] => (1, false),
                [b'[', ..] | [b'(', ..] => (0, false),
                _ => return,
            };
            let place = self.at + gap + mark;
            let dot = if may_miss || is_asking { "?." } else { "." };
            let next = self.source[place..].chars().next();
            match next {
                Some(open @ ('[' | '(')) => {
                    let Some(end) = scan::after_bracket(self.source, place) else { return };
                    if open == '[' && dot == "?." || is_asking {
                        self.out.push_str("?.");
                    }
                    let inner = self.inner(place + 1, end - 1);
                    self.out.push(open);
                    self.out.push_str(&inner);
                    self.out.push(if open == '[' { ']' } else { ')' });
                    self.at = end;
                }
                _ => {
                    let length = scan::identifier(&self.source[place..]);
                    if mark == 0 || length == 0 {
                        return;
                    }
                    self.out.push_str(dot);
                    self.at = place;
                    self.word(length, true);
                }
            }
            may_miss = true;
        }
    }

    /// `.name`, `?.name` or `["name"]`: the name.
    pub(super) fn member(&mut self) -> Option<String> {
        let rest = self.rest();
        let trimmed = rest.trim_start();
        let start = self.at + rest.len() - trimmed.len();
        if let Some(inner) = trimmed.strip_prefix("?.[").or_else(|| trimmed.strip_prefix('[')) {
            let open = start + trimmed.len() - inner.len();
            let (name, length) = scan::string_literal(inner.trim_start())?;
            let behind = &inner.trim_start()[length..];
            let close = behind.find(']').filter(|close| behind[..*close].trim().is_empty())?;
            self.at = open + (inner.len() - inner.trim_start().len()) + length + close + 1;
            return Some(name);
        }
        let name = trimmed.strip_prefix("?.").or_else(|| trimmed.strip_prefix('.'))?;
        let length = scan::identifier(name);
        self.at = start + trimmed.len() - name.len() + length;
        (length > 0).then(|| name[..length].to_owned())
    }

    /// `('text')`: the text.
    fn call_of_text(&mut self) -> Option<String> {
        let before = self.at;
        let inner = self.rest().trim_start().strip_prefix('(')?;
        let text = scan::string_literal(inner.trim_start()).map(|(text, _)| text)?;
        self.argument();
        (self.at > before).then_some(text)
    }

    /// `()` or `(0)`, as in `first(0)`.
    pub(super) fn empty_call(&mut self) -> bool {
        let before = self.at;
        let is_plain = self.argument().is_some_and(|inner| inner.chars().all(|c| c.is_ascii_digit() || c == ','));
        if !is_plain {
            self.at = before;
        }
        is_plain
    }

    /// What stands between the parentheses at hand, translated, which are passed by.
    pub(super) fn argument(&mut self) -> Option<String> {
        let rest = self.rest();
        let open = self.at + rest.len() - rest.trim_start().len();
        if !self.source[open..].starts_with('(') {
            return None;
        }
        let end = scan::after_bracket(self.source, open)?;
        let inner = self.inner(open + 1, end - 1).trim().to_owned();
        self.at = end;
        Some(inner)
    }

    fn now(&mut self, is_today: bool) -> Found {
        match self.moment(is_today) {
            Ok(js) => {
                self.problem(
                    Level::Changed,
                    "the time is UTC here, and code that writes should not depend on the clock",
                );
                Found::Sound(js)
            }
            Err(why) => Found::Nothing(why),
        }
    }
}

/// The first of a list, said shortly where the list is written out.
fn first_of(all: &str) -> String {
    match all.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(only) if !only.contains([',', '[', ']', '?']) => only.to_owned(),
        _ => format!("{all}[0]"),
    }
}

/// A text as JavaScript has it.
pub(crate) fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
