//! Names of operations, and names of expressions that scripts can have.

use std::collections::BTreeSet;

/// Words that cannot be the name of a variable.
const RESERVED: &[&str] = &[
    "arguments",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// The longest name of an expression, in characters.
const MAX_IDENTIFIER: usize = 60;

/// `wanted`, with a number behind it if it is taken.
pub(crate) fn unique(wanted: &str, taken: &mut BTreeSet<String>) -> String {
    let mut name = wanted.to_owned();
    let mut count = 1;
    while !taken.insert(name.clone()) {
        count += 1;
        name = format!("{wanted}{count}");
    }
    name
}

/// A variable's name that reads like `text`: `pet-id` becomes `petId`.
pub(crate) fn identifier(text: &str) -> String {
    let mut name = String::new();
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty()) {
        match (name.is_empty(), word.chars().next()) {
            (false, Some(first)) => {
                name.push(first.to_ascii_uppercase());
                name.push_str(&word[1..]);
            }
            _ => name.push_str(word),
        }
    }
    name.truncate(MAX_IDENTIFIER);
    if name.is_empty() || RESERVED.contains(&name.as_str()) {
        name.push_str("Value");
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_becomes_one_that_scripts_can_have() {
        for (text, name) in [
            ("petId", "petId"),
            ("pet-id", "petId"),
            ("filter[name]", "filterName"),
            ("2fa", "_2fa"),
            ("class", "classValue"),
            ("é}} {{", "Value"),
            ("x_y", "x_y"),
        ] {
            assert_eq!(identifier(text), name, "{text}");
        }
        let mut taken = BTreeSet::new();
        let names = [(); 3].map(|()| unique("id", &mut taken));
        assert_eq!(names, ["id", "id2", "id3"]);
    }
}
