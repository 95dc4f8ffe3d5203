//! Reads the subset: what the writer writes, and what a person is likely to write instead.

use serde_json::{Map, Number, Value};
use thiserror::Error;

/// How deep values may stand in each other.
pub const MAX_DEPTH: usize = 64;

/// Why a text is not in the subset.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {message}")]
pub struct YamlError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// The value of a text.
pub fn read(text: &str) -> Result<Value, YamlError> {
    let lines: Vec<&str> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    let mut reader = Reader { lines, at: 0, column: 0 };
    if !reader.next_line()? {
        return Err(reader.error("is empty: at least one value has to be there"));
    }
    let indent = reader.column;
    let value = reader.node(indent, 0)?;
    if reader.next_line()? {
        return Err(reader.error("stands outside of what is above it: check its indentation"));
    }
    Ok(value)
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    /// The line that is read.
    at: usize,
    /// Where in it, in bytes: all before it is spaces, dashes or a key that was read.
    column: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, message: impl Into<String>) -> YamlError {
        YamlError { line: self.at + 1, message: message.into() }
    }

    fn rest(&self) -> &'a str {
        self.lines.get(self.at).map_or("", |line| &line[self.column..])
    }

    /// Goes to the first character of the next line that says something, from the beginning of the line at hand; false at the end.
    fn next_line(&mut self) -> Result<bool, YamlError> {
        if self.column > 0 {
            return Ok(true);
        }
        while let Some(line) = self.lines.get(self.at) {
            let content = line.trim_start_matches(' ');
            if content.starts_with('\t') {
                return Err(self.error("is indented by a tab: use spaces"));
            }
            if content.is_empty() || content.starts_with('#') {
                self.at += 1;
                continue;
            }
            if content == *line
                && (content.starts_with("---") || content.starts_with("...") || content.starts_with('%'))
            {
                return Err(self.error("there is one document in a file, without directives: remove this line"));
            }
            self.column = line.len() - content.len();
            return Ok(true);
        }
        Ok(false)
    }

    /// Ends the line at hand.
    fn line_done(&mut self) {
        self.at += 1;
        self.column = 0;
    }

    /// The column of the next line that says something.
    fn peek(&mut self) -> Result<Option<usize>, YamlError> {
        if !self.next_line()? {
            return Ok(None);
        }
        let column = self.column;
        self.column = 0;
        Ok(Some(column))
    }

    /// The value that begins here. Its lines stand at `indent`.
    fn node(&mut self, indent: usize, depth: usize) -> Result<Value, YamlError> {
        if depth > MAX_DEPTH {
            return Err(self.error(format!("stands deeper than {MAX_DEPTH} values in each other")));
        }
        let rest = self.rest();
        if rest == "-" || rest.starts_with("- ") {
            return self.list(indent, depth);
        }
        if self.key()?.is_some() {
            return self.members(indent, depth);
        }
        self.scalar()
    }

    fn list(&mut self, indent: usize, depth: usize) -> Result<Value, YamlError> {
        let mut items = Vec::new();
        loop {
            let rest = self.rest();
            if !(rest == "-" || rest.starts_with("- ")) {
                return Err(self.error("a list goes on here: begin the line with `- `"));
            }
            let content = rest[1..].trim_start_matches(' ');
            let inner = self.column + (rest.len() - content.len());
            if content.is_empty() || content.starts_with('#') {
                self.line_done();
                items.push(self.below(indent, depth)?);
            } else if let Some(chomp) = block_mark(content) {
                self.line_done();
                items.push(self.block(indent, chomp?, depth)?);
            } else {
                self.column = inner;
                items.push(self.node(inner, depth + 1)?);
            }
            if !self.goes_on(indent)? {
                return Ok(Value::Array(items));
            }
        }
    }

    fn members(&mut self, indent: usize, depth: usize) -> Result<Value, YamlError> {
        let mut map = Map::new();
        loop {
            let Some((key, end)) = self.key()? else {
                return Err(self.error("a map goes on here: write `key: value`"));
            };
            if key == "<<" {
                return Err(self.error("merge keys are not read: write the members themselves"));
            }
            let content = self.rest()[end..].trim_start_matches(' ');
            let value = if content.is_empty() || content.starts_with('#') {
                self.line_done();
                self.below(indent, depth)?
            } else if let Some(chomp) = block_mark(content) {
                let chomp = chomp.map_err(|error| YamlError { line: self.at + 1, ..error })?;
                self.line_done();
                self.block(indent, chomp, depth)?
            } else {
                self.column = self.lines[self.at].len() - content.len();
                self.scalar()?
            };
            if map.insert(key.clone(), value).is_some() {
                return Err(self.error(format!("`{}` stands here for the second time", crate::shortened(&key))));
            }
            if !self.goes_on(indent)? {
                return Ok(Value::Object(map));
            }
        }
    }

    /// What stands below a key or a dash, deeper than it; null where nothing does.
    fn below(&mut self, indent: usize, depth: usize) -> Result<Value, YamlError> {
        match self.peek()? {
            Some(column) if column > indent => {
                self.column = column;
                self.node(column, depth + 1)
            }
            _ => Ok(Value::Null),
        }
    }

    /// Whether the next line belongs to the block at `indent`; the place is its first character then.
    fn goes_on(&mut self, indent: usize) -> Result<bool, YamlError> {
        match self.peek()? {
            Some(column) if column == indent => {
                self.column = column;
                Ok(true)
            }
            Some(column) if column > indent => Err(self.error("is indented deeper than what it belongs to")),
            _ => Ok(false),
        }
    }

    /// The key that begins here, and where its value does.
    fn key(&self) -> Result<Option<(String, usize)>, YamlError> {
        let rest = self.rest();
        if rest.starts_with(['"', '\'']) {
            let (key, end) = self.quotes(rest)?;
            let is_key = rest[end..] == *":" || rest[end..].starts_with(": ");
            return Ok(is_key.then_some((key, end + 1)));
        }
        let end = rest.find(": ").or_else(|| rest.strip_suffix(':').map(str::len));
        let Some(end) = end.filter(|end| *end > 0) else { return Ok(None) };
        let key = &rest[..end];
        if key == "<<" || super::is_plain_key(key) {
            return Ok(Some((key.to_owned(), end + 1)));
        }
        if key.starts_with(['{', '[', '&', '*', '!', '|', '>', '%', '@', '`', '?']) || key.contains(" #") {
            return Ok(None);
        }
        Err(self.error(format!("put `{}` in double quotes", crate::shortened(key))))
    }

    /// A value on one line; the line is done.
    fn scalar(&mut self) -> Result<Value, YamlError> {
        let rest = self.rest();
        let (value, end) = if rest.starts_with(['"', '\'']) {
            let (text, end) = self.quotes(rest)?;
            (Value::String(text), end)
        } else if rest.starts_with('[') {
            self.brackets(rest)?
        } else if let Some(inner) = rest.strip_prefix('{') {
            let inner = inner.trim_start_matches(' ');
            if !inner.starts_with('}') {
                return Err(self.error("a map in braces is not read: write its members below, or put a text in quotes"));
            }
            (Value::Object(Map::new()), rest.len() - inner.len() + 1)
        } else {
            let end = rest.find(" #").unwrap_or(rest.len());
            (self.plain(rest[..end].trim_end())?, end)
        };
        let left = rest[end..].trim();
        if !(left.is_empty() || left.starts_with('#') && rest[end..].starts_with(' ')) {
            return Err(self.error(format!("`{}` follows a value: one value on one line", crate::shortened(left))));
        }
        self.line_done();
        Ok(value)
    }

    /// A value without quotes.
    fn plain(&self, text: &str) -> Result<Value, YamlError> {
        match text {
            "null" | "~" | "" => return Ok(Value::Null),
            "true" => return Ok(Value::Bool(true)),
            "false" => return Ok(Value::Bool(false)),
            _ => {}
        }
        if text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            && let Ok(number) = serde_json::from_str::<Number>(text)
        {
            return Ok(Value::Number(number));
        }
        let refused = match text.chars().next() {
            Some('&') => Some("anchors are not read"),
            Some('*') => Some("aliases are not read"),
            Some('!') => Some("tags are not read"),
            Some('>') => Some("folded texts are not read: use `|`"),
            Some('%' | '@' | '`' | '?' | ',' | ']' | '}' | '|') => Some("this character begins no value"),
            _ => None,
        };
        if let Some(refused) = refused {
            return Err(self.error(format!("{refused}; put a text in double quotes")));
        }
        if text.contains(": ") || text.ends_with(':') || super::is_word_of_yaml(text) {
            return Err(self.error(format!("put `{}` in double quotes", crate::shortened(text))));
        }
        Ok(Value::String(text.to_owned()))
    }

    /// A list of values on one line, and where it ends.
    fn brackets(&self, rest: &str) -> Result<(Value, usize), YamlError> {
        let mut items = Vec::new();
        let mut at = 1;
        loop {
            at += rest[at..].len() - rest[at..].trim_start_matches(' ').len();
            let here = &rest[at..];
            if here.starts_with(']') && items.is_empty() {
                return Ok((Value::Array(items), at + 1));
            }
            if here.starts_with(['"', '\'']) {
                let (text, end) = self.quotes(here)?;
                items.push(Value::String(text));
                at += end;
            } else {
                let end = here
                    .find([',', ']'])
                    .ok_or_else(|| self.error("a list in brackets ends on its line: close it with `]`"))?;
                let text = here[..end].trim_end();
                if text.is_empty() || text.contains(['[', '{', '}']) {
                    return Err(self
                        .error("a list in brackets holds plain values alone: write it as lines that begin with `- `"));
                }
                items.push(self.plain(text)?);
                at += end;
            }
            at += rest[at..].len() - rest[at..].trim_start_matches(' ').len();
            match rest[at..].chars().next() {
                Some(',') => at += 1,
                Some(']') => return Ok((Value::Array(items), at + 1)),
                _ => return Err(self.error("a list in brackets ends on its line: close it with `]`")),
            }
        }
    }

    /// A text in quotes, and where it ends.
    fn quotes(&self, rest: &str) -> Result<(String, usize), YamlError> {
        let unclosed = || self.error("a text in quotes ends on its line: close it, or use `|`");
        if let Some(inner) = rest.strip_prefix('\'') {
            let mut text = String::new();
            let mut from = 0;
            loop {
                let end = inner[from..].find('\'').ok_or_else(unclosed)? + from;
                text.push_str(&inner[from..end]);
                if !inner[end + 1..].starts_with('\'') {
                    return Ok((text, end + 2));
                }
                text.push('\'');
                from = end + 2;
            }
        }
        let mut is_escaped = false;
        for (index, byte) in rest.bytes().enumerate().skip(1) {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => {
                    let json = &rest[..=index];
                    // A tab is the one control character that a person may leave in a line.
                    let text = serde_json::from_str(&json.replace('\t', "\\t"));
                    return Ok((text.map_err(|error| self.error(format!("the text in quotes: {error}")))?, index + 1));
                }
                _ => {}
            }
        }
        Err(unclosed())
    }

    /// The lines of a literal block below a key or a dash at `indent`.
    fn block(&mut self, indent: usize, chomp: Chomp, depth: usize) -> Result<Value, YamlError> {
        if depth > MAX_DEPTH {
            return Err(self.error(format!("stands deeper than {MAX_DEPTH} values in each other")));
        }
        let mut lines: Vec<&str> = Vec::new();
        let mut inner: Option<usize> = None;
        while let Some(line) = self.lines.get(self.at) {
            let content = line.trim_start_matches(' ');
            let column = line.len() - content.len();
            if content.is_empty() {
                lines.push(inner.and_then(|inner| line.get(inner..)).unwrap_or(""));
                self.at += 1;
                continue;
            }
            let inner = *inner.get_or_insert_with(|| column.max(indent + 1));
            if column < inner {
                break;
            } else {
                lines.push(&line[inner..]);
            }
            self.at += 1;
        }
        // What follows the last line end is no line.
        if self.at == self.lines.len() && lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        let body = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        let mut text = lines[..body].join("\n");
        match chomp {
            Chomp::Strip => {}
            Chomp::Clip => text.push_str(if body > 0 { "\n" } else { "" }),
            Chomp::Keep => text.extend(std::iter::repeat_n('\n', lines.len() - body + usize::from(body > 0))),
        }
        self.column = 0;
        Ok(Value::String(text))
    }
}

/// What becomes of line ends at the end of a block.
#[derive(Clone, Copy)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

/// The bar that a literal block stands behind.
fn block_mark(content: &str) -> Option<Result<Chomp, YamlError>> {
    let mark = content.split(" #").next().unwrap_or(content).trim_end();
    Some(match mark {
        "|" => Ok(Chomp::Clip),
        "|-" => Ok(Chomp::Strip),
        "|+" => Ok(Chomp::Keep),
        _ => return None,
    })
}
