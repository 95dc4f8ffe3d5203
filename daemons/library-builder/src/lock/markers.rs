//! Environment markers: `python_version < "3.11" and sys_platform == "linux"`. Format: PEP 508, now "Dependency specifiers" of the
//! Python packaging specifications.

use super::version;
use crate::interpreter::Interpreter;

/// Parentheses inside one another.
const MAX_DEPTH: usize = 32;

/// Whether `marker` holds for `interpreter`. An error says what is not understood.
pub(super) fn holds(marker: &str, interpreter: &Interpreter) -> Result<bool, String> {
    let tokens = tokens(marker)?;
    let mut parser = Parser { tokens: &tokens, interpreter, depth: 0 };
    let value = parser.any()?;
    match parser.tokens.first() {
        None => Ok(value),
        Some(token) => Err(format!("`{}` is not expected in the marker", token.text())),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Operator(&'a str),
}

impl<'a> Token<'a> {
    fn text(&self) -> &'a str {
        match self {
            Self::Word(text) | Self::Text(text) | Self::Operator(text) => text,
        }
    }
}

fn tokens(marker: &str) -> Result<Vec<Token<'_>>, String> {
    let mut rest = marker.trim_start();
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => {
                let end = rest[1..].find(first).ok_or("a text in the marker has no end")?;
                tokens.push(Token::Text(&rest[1..=end]));
                end + 2
            }
            '(' | ')' => {
                tokens.push(Token::Operator(&rest[..1]));
                1
            }
            '<' | '>' | '=' | '!' | '~' => {
                let length = rest.find(|character| !"<>=!~".contains(character)).unwrap_or(rest.len());
                tokens.push(Token::Operator(&rest[..length]));
                length
            }
            _ => {
                let other = |character: char| !(character.is_ascii_alphanumeric() || "_.".contains(character));
                let length = rest.find(other).unwrap_or(rest.len());
                if length == 0 {
                    return Err(format!("`{first}` is not expected in the marker"));
                }
                tokens.push(Token::Word(&rest[..length]));
                length
            }
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: &'a [Token<'a>],
    interpreter: &'a Interpreter,
    depth: usize,
}

/// A side of a comparison.
struct Side {
    value: String,
    /// Whether its values are versions.
    version: bool,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Result<&'a Token<'a>, String> {
        let (first, rest) = self.tokens.split_first().ok_or("the marker ends too early")?;
        self.tokens = rest;
        Ok(first)
    }

    fn take(&mut self, wanted: &Token<'_>) -> bool {
        let found = self.tokens.first() == Some(wanted);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    fn any(&mut self) -> Result<bool, String> {
        let mut value = self.all()?;
        while self.take(&Token::Word("or")) {
            value |= self.all()?;
        }
        Ok(value)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut value = self.one()?;
        while self.take(&Token::Word("and")) {
            value &= self.one()?;
        }
        Ok(value)
    }

    fn one(&mut self) -> Result<bool, String> {
        if !self.take(&Token::Operator("(")) {
            return self.comparison();
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the marker is nested too deeply".to_owned());
        }
        let value = self.any()?;
        self.depth -= 1;
        if self.take(&Token::Operator(")")) { Ok(value) } else { Err("the marker lacks a `)`".to_owned()) }
    }

    fn comparison(&mut self) -> Result<bool, String> {
        let left = self.side()?;
        let operator = match self.next()? {
            Token::Word("in") => "in",
            Token::Word("not") if self.take(&Token::Word("in")) => "not in",
            Token::Operator(operator) => operator,
            other => return Err(format!("`{}` is no comparison", other.text())),
        };
        let right = self.side()?;
        let unknown = || format!("`{}` {operator} `{}` cannot be compared", left.value, right.value);
        match operator {
            "in" => Ok(right.value.contains(&left.value)),
            "not in" => Ok(!right.value.contains(&left.value)),
            _ if left.version || right.version => {
                version::holds(&left.value, operator, &right.value).ok_or_else(unknown)
            }
            "==" | "===" => Ok(left.value == right.value),
            "!=" => Ok(left.value != right.value),
            _ => Err(unknown()),
        }
    }

    fn side(&mut self) -> Result<Side, String> {
        match self.next()? {
            Token::Text(text) => Ok(Side { value: (*text).to_owned(), version: false }),
            Token::Word(name) => {
                let value = self.interpreter.variable(name);
                let value = value.ok_or_else(|| format!("`{name}` is no variable that markers have here"))?;
                let version = matches!(*name, "python_version" | "python_full_version" | "implementation_version");
                Ok(Side { value, version })
            }
            Token::Operator(operator) => Err(format!("`{operator}` is not expected in the marker")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(marker: &str) -> Result<bool, String> {
        // CPython 3.11.2 on Linux, x86_64.
        holds(marker, &Interpreter::for_tests())
    }

    #[test]
    fn markers_are_evaluated_for_the_interpreter() {
        for (marker, expected) in [
            ("python_version >= '3.9'", true),
            ("python_version < \"3.10\"", false),
            ("'3.9' <= python_version", true),
            ("python_full_version == '3.11.2'", true),
            ("sys_platform == 'win32' or platform_machine == 'x86_64'", true),
            ("sys_platform == 'win32' and python_version > '3' or os_name == 'posix'", true),
            ("sys_platform == 'win32' and (python_version > '3' or os_name == 'posix')", false),
            ("platform_python_implementation != 'PyPy'", true),
            ("extra == 'socks'", false),
            ("platform_machine in 'x86_64 aarch64'", true),
            ("platform_machine not in 'x86_64 aarch64'", false),
            ("implementation_name == 'cpython' and platform_system == 'Linux'", true),
        ] {
            assert_eq!(check(marker), Ok(expected), "{marker}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let deep = format!("{}os_name == 'posix'{}", "(".repeat(100), ")".repeat(100));
        for marker in [
            "",
            "python_version",
            "python_version >=",
            "no_such == 'x'",
            "os_name < 'posix'",
            "(os_name == 'a'",
            "os_name == 'a' os_name",
            "os_name == 'a",
            "os_name & 'a'",
            "python_version ~= 'x'",
            &deep,
        ] {
            assert!(check(marker).is_err(), "{marker}");
        }
    }
}
