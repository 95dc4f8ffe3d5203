//! Which names a source text mentions.

/// Whether `name` stands in `source` as a word of its own. It may be said in a string or a comment: what is given to code on this
/// account is more than it needs, never less.
pub fn mentions(source: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    source.match_indices(name).any(|(at, _)| {
        let before = source[..at].chars().next_back();
        let after = source[at + name.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_as_a_word_alone() {
        for (source, found) in [
            ("return load.rows", true),
            ("load", true),
            ("loaded + reload + load1 + $load", false),
            ("f'{load[\"rows\"]}'", true),
            ("aload; load", true),
            ("", false),
        ] {
            assert_eq!(mentions(source, "load"), found, "{source}");
        }
    }
}
