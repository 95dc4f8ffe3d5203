//! Which operations a GraphQL document has: as much of its grammar as tells them apart.
//!
//! The grammar is that of the GraphQL specification of October 2021, section 2: a document is a list of definitions, and a
//! definition's words stand before its first brace outside of parentheses.

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationType {
    /// Reads.
    Query,
    /// Changes.
    Mutation,
    /// Goes on answering.
    Subscription,
}

/// An operation of a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OperationDefinition<'a> {
    pub(super) kind: OperationType,
    pub(super) name: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Open(char),
    Close(char),
    Other,
}

/// The operations of a document, or why it is none.
pub(super) fn operations(document: &str) -> Result<Vec<OperationDefinition<'_>>, String> {
    let tokens = tokens(document)?;
    let mut rest = tokens.as_slice();
    let mut found = Vec::new();
    while let Some((first, after)) = rest.split_first() {
        let kind = match first {
            Token::Open('{') => Some(OperationType::Query),
            Token::Word("query") => Some(OperationType::Query),
            Token::Word("mutation") => Some(OperationType::Mutation),
            Token::Word("subscription") => Some(OperationType::Subscription),
            Token::Word("fragment") => None,
            Token::Word(word) => return Err(format!("holds `{word}` where a query, mutation or fragment begins")),
            _ => return Err("holds something else where a query, mutation or fragment begins".to_owned()),
        };
        let name = match (first, after.first()) {
            (Token::Word(_), Some(Token::Word(name))) => Some(*name),
            _ => None,
        };
        if let Some(kind) = kind {
            found.push(OperationDefinition { kind, name });
        }
        rest = after_definition(rest)?;
    }
    Ok(found)
}

/// What follows the selection that ends the first definition.
fn after_definition<'t, 'a>(tokens: &'t [Token<'a>]) -> Result<&'t [Token<'a>], String> {
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            Token::Open(bracket) => open.push(bracket),
            Token::Close(bracket) => {
                let opened = open.pop();
                if opened.map(closing) != Some(bracket) {
                    return Err(format!("has a `{bracket}` that closes nothing"));
                }
                if opened == Some('{') && open.is_empty() {
                    return Ok(&tokens[at + 1..]);
                }
            }
            Token::Word(_) | Token::Other => {}
        }
    }
    Err("has a definition that is never closed: write its selection in braces".to_owned())
}

fn closing(bracket: char) -> char {
    match bracket {
        '{' => '}',
        '(' => ')',
        _ => ']',
    }
}

fn tokens(document: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = document.trim_start_matches('\u{feff}');
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '"' => {
                tokens.push(Token::Other);
                string_length(rest).ok_or("has a text that is never closed: add its quotation mark")?
            }
            '{' | '(' | '[' => {
                tokens.push(Token::Open(first));
                1
            }
            '}' | ')' | ']' => {
                tokens.push(Token::Close(first));
                1
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                tokens.push(Token::Word(&rest[..length]));
                length
            }
            ',' | ' ' | '\t' | '\r' | '\n' => 1,
            other => {
                tokens.push(Token::Other);
                other.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    Ok(tokens)
}

/// How long the string at the start of a text is, with its quotation marks.
fn string_length(text: &str) -> Option<usize> {
    if let Some(block) = text.strip_prefix("\"\"\"") {
        let mut from = 0;
        loop {
            let end = block[from..].find("\"\"\"")? + from;
            if !block[..end].ends_with('\\') {
                return Some(end + 6);
            }
            from = end + 3;
        }
    }
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' | '\r' => return None,
            '"' if !escaped => return Some(at + 1),
            _ => escaped = c == '\\' && !escaped,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(document: &str) -> Vec<(OperationType, Option<&str>)> {
        let operations = operations(document).expect("a document");
        operations.into_iter().map(|operation| (operation.kind, operation.name)).collect()
    }

    #[test]
    fn operations_are_told_apart_whatever_stands_in_texts_and_comments() {
        use OperationType::{Mutation, Query, Subscription};
        assert_eq!(found("{ a }"), [(Query, None)]);
        assert_eq!(found("query ($f: F = {a: [1, {b: \"}\"}]}) @d(x: {y: 1}) { a(f: $f) { b } }"), [(Query, None)]);
        assert_eq!(
            found("fragment F on T { mutation } query Q { ...F } # mutation M { a }\nmutation M { m }"),
            [(Query, Some("Q")), (Mutation, Some("M"))]
        );
        assert_eq!(found("{ a(text: \"\"\"} mutation { \\\"\"\" \"\"\") }"), [(Query, None)]);
        assert_eq!(
            found("{ a(text: \"\\\"} mutation {\") }\nsubscription S { s }"),
            [(Query, None), (Subscription, Some("S"))]
        );
    }

    #[test]
    fn what_is_no_document_says_why() {
        for document in
            ["{", "query", "{ a ) }", "type T { a: Int }", "} {", "{ a(b: \"x) }", "!", "query Q ($a: {) { a }"]
        {
            assert!(operations(document).is_err(), "{document}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "[{}()\"#a \\\\\n]{0,40}|.{0,60}") {
            let _ = operations(&text);
        }
    }
}
