//! Walking through JavaScript by its tokens, as far as it takes to tell names from what only looks like them.

/// The place behind the string, template, comment or regular expression that starts at `at`; none if none starts there.
///
/// `operand` says whether a value may start here, as a `/` is a division otherwise.
pub(crate) fn after_opaque(source: &str, at: usize, operand: bool) -> Option<usize> {
    let rest = &source[at..];
    let bytes = rest.as_bytes();
    let length = match bytes.first()? {
        b'"' | b'\'' => string(bytes),
        b'/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
        b'/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
        b'/' if operand => regex(bytes),
        _ => return None,
    };
    Some(at + length)
}

/// The length of the string at the start.
fn string(bytes: &[u8]) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == bytes[0] => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn regex(bytes: &[u8]) -> usize {
    let mut in_class = false;
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'\n' => return 1,
            b'/' if !in_class => return at + 1,
            _ => {}
        }
        at += 1;
    }
    // What is never closed was none.
    1
}

/// The place behind the bracket that closes the one at `at`.
pub(crate) fn after_bracket(source: &str, at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut operand = true;
    let mut place = at;
    while place < source.len() {
        if let Some(end) = after_opaque(source, place, operand) {
            operand = false;
            place = end.min(source.len());
            continue;
        }
        let c = source[place..].chars().next()?;
        if c == '`' {
            place = after_template(source, place)?;
            operand = false;
            continue;
        }
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(place + 1);
                }
            }
            _ => {}
        }
        if !c.is_whitespace() {
            operand = expects_operand(c);
        }
        place += c.len_utf8();
    }
    None
}

/// The place behind the template literal at `at`.
pub(crate) fn after_template(source: &str, at: usize) -> Option<usize> {
    let bytes = source.as_bytes();
    let mut place = at + 1;
    while place < bytes.len() {
        match bytes[place] {
            b'\\' => place += 2,
            b'`' => return Some(place + 1),
            b'$' if bytes.get(place + 1) == Some(&b'{') => place = after_bracket_flat(bytes, place + 1)?,
            _ => place += 1,
        }
    }
    None
}

/// Like [`after_bracket`], without a look at templates within templates: what nests them is too much for a translation.
fn after_bracket_flat(bytes: &[u8], at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut place = at;
    while place < bytes.len() {
        match bytes[place] {
            b'"' | b'\'' => {
                place += string(&bytes[place..]);
                continue;
            }
            b'{' => depth += 1,
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(place + 1);
                }
            }
            b'`' => return None,
            _ => {}
        }
        place += 1;
    }
    None
}

/// Whether a value is expected behind `c`.
pub(crate) fn expects_operand(c: char) -> bool {
    "([{,;:?=!&|+-*%<>~^".contains(c)
}

/// The length of the identifier at the start; zero if there is none.
pub(crate) fn identifier(text: &str) -> usize {
    let is_part = |(at, c): &(usize, char)| c.is_alphabetic() || *c == '_' || *c == '$' || (*at > 0 && c.is_numeric());
    text.char_indices().take_while(is_part).last().map_or(0, |(at, c)| at + c.len_utf8())
}

/// The text of the string literal at the start, and the place behind it.
pub(crate) fn string_literal(text: &str) -> Option<(String, usize)> {
    let quote = text.chars().next().filter(|c| "'\"`".contains(*c))?;
    let mut found = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next()?.1 {
                'n' => found.push('\n'),
                't' => found.push('\t'),
                other => found.push(other),
            },
            '$' if quote == '`' && text[at + 1..].starts_with('{') => return None,
            c if c == quote => return Some((found, at + c.len_utf8())),
            c => found.push(c),
        }
    }
    None
}
