//! The words of a statement, as PostgreSQL's own lexer tells them apart, with its comments and the insides of its texts left out.
//!
//! It assumes `standard_conforming_strings`, which every session of this daemon sets. Where it is not sure, it errs so that the checks
//! above it refuse more, never less.

/// One piece of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// An unquoted word, in lower case.
    Word(String),
    /// A name in quotes, as it reads inside them.
    Quoted(String),
    /// A plain text in single quotes that says what it shows: no escapes, no doubled quotes.
    Plain(&'a str),
    /// Any other text: with escapes, in dollars, or with a name written by code points.
    Text,
    /// A number, or the digits of a parameter.
    Number,
    /// Any other character.
    Sign(char),
}

/// All tokens of `text`. What is never closed reaches to the end.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0 };
    std::iter::from_fn(|| lexer.token()).collect()
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Takes the characters that belong to a word, and answers with them.
    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn token(&mut self) -> Option<Token<'a>> {
        self.skip_blanks();
        let rest = self.rest();
        let first = rest.chars().next()?;
        if is_start(first) {
            let word = self.take_while(is_part);
            return Some(self.after_word(word));
        }
        match first {
            '\'' => Some(self.text_in_quotes(false)),
            '"' => Some(Token::Quoted(self.name_in_quotes())),
            '$' => Some(self.dollar()),
            '0'..='9' => {
                // Older servers read `1into` as two words, so nothing but digits belongs to it.
                self.take_while(|c| c.is_ascii_digit());
                Some(Token::Number)
            }
            other => {
                self.at += other.len_utf8();
                Some(Token::Sign(other))
            }
        }
    }

    /// A word, or what follows one that only says how to read it: `E'...'`, `U&'...'`, `U&"..."`.
    fn after_word(&mut self, word: &str) -> Token<'a> {
        let rest = self.rest();
        let is = |letter: &str| word.eq_ignore_ascii_case(letter);
        if rest.starts_with('\'') && is("e") {
            self.text_in_quotes(true);
            return Token::Text;
        }
        if is("u") && rest.starts_with("&'") {
            self.at += 1;
            self.text_in_quotes(false);
            return Token::Text;
        }
        if is("u") && rest.starts_with("&\"") {
            self.at += 1;
            self.name_in_quotes();
            return Token::Text;
        }
        Token::Word(word.to_ascii_lowercase())
    }

    fn text_in_quotes(&mut self, escapes: bool) -> Token<'a> {
        self.at += 1;
        let start = self.at;
        let mut is_plain = true;
        while let Some(c) = self.rest().chars().next() {
            self.at += c.len_utf8();
            match c {
                '\\' => {
                    is_plain = false;
                    if escapes {
                        self.at += self.rest().chars().next().map_or(0, char::len_utf8);
                    }
                }
                '\'' if self.rest().starts_with('\'') => {
                    is_plain = false;
                    self.at += 1;
                }
                '\'' => return if is_plain { Token::Plain(&self.text[start..self.at - 1]) } else { Token::Text },
                _ => {}
            }
        }
        Token::Text
    }

    fn name_in_quotes(&mut self) -> String {
        self.at += 1;
        let mut name = String::new();
        while let Some(c) = self.rest().chars().next() {
            self.at += c.len_utf8();
            if c == '"' {
                if !self.rest().starts_with('"') {
                    break;
                }
                self.at += 1;
            }
            name.push(c);
        }
        name
    }

    /// `$1`, `$$...$$`, `$tag$...$tag$`, or a dollar.
    fn dollar(&mut self) -> Token<'a> {
        let rest = self.rest();
        let inside = rest[1..].find(|c| !is_part(c) || c == '$').unwrap_or(rest.len() - 1);
        let tag = &rest[1..=inside];
        if rest[1 + inside..].starts_with('$') && !tag.starts_with(|c: char| c.is_ascii_digit()) {
            let fence = &rest[..inside + 2];
            let body = &rest[fence.len()..];
            self.at += body.find(fence).map_or(rest.len(), |end| end + 2 * fence.len());
            return Token::Text;
        }
        self.at += 1;
        if self.take_while(|c| c.is_ascii_digit()).is_empty() { Token::Sign('$') } else { Token::Number }
    }

    /// Passes white space and comments; those in `/* */` nest.
    fn skip_blanks(&mut self) {
        loop {
            self.take_while(|c| c.is_ascii_whitespace() || c == '\u{b}');
            let rest = self.rest();
            if rest.starts_with("--") {
                self.take_while(|c| c != '\n' && c != '\r');
            } else if rest.starts_with("/*") {
                self.at += block_comment(rest);
            } else {
                return;
            }
        }
    }
}

/// The length of the comment at the start of `text`.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += c.len_utf8();
        }
    }
    at
}

fn is_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn is_part(c: char) -> bool {
    is_start(c) || c.is_ascii_digit() || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Token<'_> {
        Token::Word(text.to_owned())
    }

    #[test]
    fn words_are_told_from_texts_and_comments() {
        let text = "SELECT /* a /* b */ insert */ \"Set\"\"x\", 'it', 'it''s', e'\\' into', $$ into $$, $a$ $$ $a$ -- into\n x$1 $12y";
        let expected = [
            word("select"),
            Token::Quoted("Set\"x".into()),
            Token::Sign(','),
            Token::Plain("it"),
            Token::Sign(','),
            Token::Text,
            Token::Sign(','),
            Token::Text,
            Token::Sign(','),
            Token::Text,
            Token::Sign(','),
            Token::Text,
            word("x$1"),
            Token::Number,
            word("y"),
        ];
        assert_eq!(tokens(text), expected);
    }

    #[test]
    fn what_could_hide_a_word_hides_none() {
        assert_eq!(tokens("1into"), [Token::Number, word("into")]);
        assert_eq!(tokens("u&\"\\0064blink\"('x')")[0], Token::Text);
        assert_eq!(tokens("'\\'into"), [Token::Text, word("into")]);
        assert_eq!(tokens("a--b\rinto"), [word("a"), word("into")]);
        assert_eq!(tokens("a$b$ into $b$").len(), 3);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_an_end(text in "(?s).{0,200}") {
            tokens(&text);
        }
    }
}
