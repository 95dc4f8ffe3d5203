//! `{{ expression }}` in a text: finding where each expression ends.
//!
//! An expression is JavaScript and may itself hold `}}` (in a string, a template, nested braces), so the end is found
//! by walking its tokens, not by a pattern. The browser cuts the same texts with acorn; the two are tested on the same
//! bindings.

use thiserror::Error;

/// A text cut at its bindings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template<'a> {
    /// Text and expressions in order.
    pub parts: Vec<Part<'a>>,
}

/// One piece of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Literal text.
    Text(&'a str),
    /// The trimmed source of an expression.
    Expression(&'a str),
}

/// Why a text is no template. Offsets are bytes from its start.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BindingError {
    /// `{{` without its `}}`.
    #[error("the binding that opens at character {at} is never closed: add }}}}")]
    Unclosed {
        /// Offset of the `{{`.
        at: usize,
    },
    /// `{{ }}`.
    #[error("the binding at character {at} is empty: write an expression between {{{{ and }}}}")]
    Empty {
        /// Offset of the `{{`.
        at: usize,
    },
}

impl<'a> Template<'a> {
    /// Cuts `text` at its bindings.
    pub fn parse(text: &'a str) -> Result<Self, BindingError> {
        let mut parts = Vec::new();
        let mut rest_from = 0;
        while let Some(open) = text[rest_from..].find("{{").map(|offset| offset + rest_from) {
            if open > rest_from {
                parts.push(Part::Text(&text[rest_from..open]));
            }
            let inside = open + 2;
            let close = expression_end(&text[inside..]).ok_or(BindingError::Unclosed { at: open })? + inside;
            let expression = text[inside..close].trim();
            if expression.is_empty() {
                return Err(BindingError::Empty { at: open });
            }
            parts.push(Part::Expression(expression));
            rest_from = close + 2;
        }
        if rest_from < text.len() {
            parts.push(Part::Text(&text[rest_from..]));
        }
        Ok(Self { parts })
    }

    /// The expressions in order of appearance, repeats included.
    pub fn expressions(&self) -> impl Iterator<Item = &'a str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expression(expression) => Some(*expression),
            Part::Text(_) => None,
        })
    }
}

/// The offset of the `}}` that ends the expression at the start of `text`.
fn expression_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    // Whether a `/` here would start a regular expression rather than divide: true at the start of an operand.
    let mut operand_expected = true;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b'}' if depth == 0 && bytes.get(at + 1) == Some(&b'}') => return Some(at),
            b'"' | b'\'' => at = after_string(bytes, at)?,
            b'`' => at = after_template(bytes, at)?,
            b'/' if bytes.get(at + 1) == Some(&b'/') => at = after_line(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => at = after_block_comment(text, at)?,
            b'/' if operand_expected => at = after_regex(bytes, at)?,
            b'{' | b'(' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b')' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            _ => at += 1,
        }
        if !byte.is_ascii_whitespace() {
            operand_expected = matches!(
                byte,
                b'(' | b'['
                    | b'{'
                    | b','
                    | b';'
                    | b':'
                    | b'?'
                    | b'='
                    | b'!'
                    | b'&'
                    | b'|'
                    | b'+'
                    | b'-'
                    | b'*'
                    | b'%'
                    | b'<'
                    | b'>'
                    | b'~'
                    | b'^'
            );
        }
    }
    None
}

fn after_string(bytes: &[u8], open: usize) -> Option<usize> {
    let quote = bytes[open];
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\n' => return None,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

fn after_template(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'`' => return Some(at + 1),
            b'$' if bytes.get(at + 1) == Some(&b'{') => at = after_substitution(bytes, at + 2)?,
            _ => at += 1,
        }
    }
    None
}

/// After the `}` that closes the `${` whose inside starts at `from`.
fn after_substitution(bytes: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'"' | b'\'' => at = after_string(bytes, at)?,
            b'`' => at = after_template(bytes, at)?,
            b'{' => {
                depth += 1;
                at += 1;
            }
            b'}' if depth == 0 => return Some(at + 1),
            b'}' => {
                depth -= 1;
                at += 1;
            }
            _ => at += 1,
        }
    }
    None
}

fn after_line(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |offset| from + offset + 1)
}

fn after_block_comment(text: &str, from: usize) -> Option<usize> {
    text[from + 2..].find("*/").map(|offset| from + 2 + offset + 2)
}

fn after_regex(bytes: &[u8], open: usize) -> Option<usize> {
    let mut in_class = false;
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\n' => return None,
            b'[' => {
                in_class = true;
                at += 1;
            }
            b']' => {
                in_class = false;
                at += 1;
            }
            b'/' if !in_class => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// The identifier that an expression starts with (`load` in `load.rows[0]`), or nothing when it starts otherwise or
/// declares an arrow function's parameter.
pub fn leading_identifier(expression: &str) -> Option<&str> {
    let end = expression
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_alphabetic() || *c == '_' || *c == '$' || (*at > 0 && c.is_ascii_digit())))
        .map_or(expression.len(), |(at, _)| at);
    let (identifier, rest) = expression.split_at(end);
    (!identifier.is_empty() && !rest.trim_start().starts_with("=>")).then_some(identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expressions(text: &str) -> Vec<&str> {
        Template::parse(text).expect("a template").expressions().collect()
    }

    #[test]
    fn the_end_of_an_expression_is_found_by_its_tokens() {
        let cases: &[(&str, &[&str])] = &[
            ("plain", &[]),
            ("{{a}}", &["a"]),
            ("a {{ b.c }} d {{ e }}", &["b.c", "e"]),
            ("{{ {a: {b: 1}} }}", &["{a: {b: 1}}"]),
            ("{{ {a: {b: 1}}}}", &["{a: {b: 1}}"]),
            ("{{ '}}' + \"}}\" }}", &["'}}' + \"}}\""]),
            ("{{ `x${ {a: '}}'}.a }}}` }}", &["`x${ {a: '}}'}.a }}}`"]),
            ("{{ s.replace(/}}[/}]/g, '') }}", &["s.replace(/}}[/}]/g, '')"]),
            ("{{ a / b }} and {{ c / d }}", &["a / b", "c / d"]),
            ("{{ a /* }} */ }}", &["a /* }} */"]),
            ("{{ rows.map(r => { return {x: r} }) }}", &["rows.map(r => { return {x: r} })"]),
        ];
        for (text, expected) in cases {
            assert_eq!(&expressions(text), expected, "{text}");
        }
    }

    #[test]
    fn a_broken_binding_says_where() {
        assert_eq!(Template::parse("ab {{ c"), Err(BindingError::Unclosed { at: 3 }));
        assert_eq!(Template::parse("{{ }}"), Err(BindingError::Empty { at: 0 }));
        assert_eq!(Template::parse("{{ 'a }}"), Err(BindingError::Unclosed { at: 0 }));
        assert_eq!(
            Template::parse("{{ c").map_err(|error| error.to_string()),
            Err("the binding that opens at character 0 is never closed: add }}".into())
        );
    }

    #[test]
    fn the_leading_identifier_is_what_a_reference_names() {
        assert_eq!(leading_identifier("load.rows[0]"), Some("load"));
        assert_eq!(leading_identifier("x => x"), None);
        assert_eq!(leading_identifier("[1]"), None);
        assert_eq!(leading_identifier("1 + a"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_parses_or_says_why(text in ".{0,200}") {
            if let Ok(template) = Template::parse(&text) {
                for part in template.parts {
                    match part {
                        Part::Text(piece) => proptest::prop_assert!(text.contains(piece)),
                        Part::Expression(piece) => proptest::prop_assert!(text.contains(piece)),
                    }
                }
            }
        }
    }
}
