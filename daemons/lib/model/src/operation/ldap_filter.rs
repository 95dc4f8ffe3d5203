//! The text of an LDAP filter (RFC 4515) and what it says.

use thiserror::Error;

/// How deep a filter nests at most.
const MAX_DEPTH: usize = 32;

/// A filter. Names of attributes are texts; values are bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LdapFilter {
    /// All hold.
    And(Vec<Self>),
    /// One holds.
    Or(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// The attribute has this value.
    Equal(String, Vec<u8>),
    /// It has one that is not less.
    AtLeast(String, Vec<u8>),
    /// It has one that is not greater.
    AtMost(String, Vec<u8>),
    /// It has one that is like this, as the server sees it.
    Like(String, Vec<u8>),
    /// It has a value.
    Present(String),
    /// It has a value with these parts in this order. Empty where nothing is said.
    Substrings {
        /// The attribute.
        attribute: String,
        /// What it begins with.
        first: Vec<u8>,
        /// What it has in between.
        middle: Vec<Vec<u8>>,
        /// What it ends with.
        last: Vec<u8>,
    },
    /// A matching rule says so.
    Extended {
        /// The attribute; all that the rule fits, without one.
        attribute: Option<String>,
        /// Whether the parts of the entry's name count too.
        names_too: bool,
        /// The rule; the attribute's own for equality, without one.
        rule: Option<String>,
        /// The value.
        value: Vec<u8>,
    },
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("is no filter at character {at}: {problem}")]
pub struct LdapFormError {
    at: usize,
    problem: &'static str,
}

impl LdapFilter {
    /// Reads a filter.
    pub fn parse(text: &str) -> Result<Self, LdapFormError> {
        let mut reader = Reader { text: text.trim().as_bytes(), at: 0 };
        let filter = reader.filter(MAX_DEPTH)?;
        if reader.at < reader.text.len() {
            return Err(reader.wrong("it ends before: put several conditions into (&...) or (|...)"));
        }
        Ok(filter)
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self, problem: &'static str) -> LdapFormError {
        LdapFormError { at: self.at, problem }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Goes on over `wanted`, if it is next.
    fn take(&mut self, wanted: &[u8]) -> bool {
        let is_next = self.text[self.at..].starts_with(wanted);
        self.at += if is_next { wanted.len() } else { 0 };
        is_next
    }

    fn filter(&mut self, depth: usize) -> Result<LdapFilter, LdapFormError> {
        let Some(depth) = depth.checked_sub(1) else { return Err(self.wrong("it nests too deep")) };
        if !self.take(b"(") {
            return Err(self.wrong("a condition begins with ( and a binding stands only for a value in one"));
        }
        let filter = match self.peek() {
            Some(b'&') => LdapFilter::And(self.list(depth)?),
            Some(b'|') => LdapFilter::Or(self.list(depth)?),
            Some(b'!') => {
                self.at += 1;
                LdapFilter::Not(Box::new(self.filter(depth)?))
            }
            _ => self.item()?,
        };
        if self.take(b")") { Ok(filter) } else { Err(self.wrong("a ) is missing")) }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<LdapFilter>, LdapFormError> {
        self.at += 1;
        let mut filters = Vec::new();
        while self.peek() == Some(b'(') {
            filters.push(self.filter(depth)?);
        }
        Ok(filters)
    }

    fn item(&mut self) -> Result<LdapFilter, LdapFormError> {
        let attribute = self.name();
        if attribute.is_empty() && self.peek() != Some(b':') {
            return Err(self.wrong("the name of an attribute is missing, which is no binding"));
        }
        if self.peek() == Some(b':') {
            return self.extended(attribute);
        }
        for (sign, make) in [
            (&b">="[..], LdapFilter::AtLeast as fn(String, Vec<u8>) -> LdapFilter),
            (b"<=", LdapFilter::AtMost),
            (b"~=", LdapFilter::Like),
        ] {
            if self.take(sign) {
                return Ok(make(attribute, self.whole_value()?));
            }
        }
        if !self.take(b"=") {
            return Err(self.wrong("one of = >= <= ~= is missing behind the attribute"));
        }
        let mut parts = self.value()?;
        let last = parts.pop().unwrap_or_default();
        if parts.is_empty() {
            return Ok(LdapFilter::Equal(attribute, last));
        }
        let first = parts.remove(0);
        let middle: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if first.is_empty() && middle.is_empty() && last.is_empty() {
            return Ok(LdapFilter::Present(attribute));
        }
        Ok(LdapFilter::Substrings { attribute, first, middle, last })
    }

    fn extended(&mut self, attribute: String) -> Result<LdapFilter, LdapFormError> {
        let attribute = Some(attribute).filter(|name| !name.is_empty());
        let names_too = self.take(b":dn");
        let mut rule = None;
        if !self.take(b":=") {
            let found = if self.take(b":") { self.name() } else { String::new() };
            if found.is_empty() || !self.take(b":=") {
                return Err(self.wrong("a matching rule is written attribute:rule:=value"));
            }
            rule = Some(found);
        }
        if attribute.is_none() && rule.is_none() {
            return Err(self.wrong("an attribute or a matching rule is missing"));
        }
        Ok(LdapFilter::Extended { attribute, names_too, rule, value: self.whole_value()? })
    }

    fn name(&mut self) -> String {
        let rest = &self.text[self.at..];
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b".;-_".contains(byte);
        let length = rest.iter().take_while(|byte| is_part(byte)).count();
        self.at += length;
        String::from_utf8_lossy(&rest[..length]).into_owned()
    }

    fn whole_value(&mut self) -> Result<Vec<u8>, LdapFormError> {
        let mut parts = self.value()?;
        match (parts.pop(), parts.is_empty()) {
            (Some(value), true) => Ok(value),
            _ => Err(self.wrong("a * in such a value is written \\2a")),
        }
    }

    /// A value, cut at its stars.
    fn value(&mut self) -> Result<Vec<Vec<u8>>, LdapFormError> {
        let mut parts = vec![Vec::new()];
        while let Some(byte) = self.peek().filter(|byte| *byte != b')') {
            let byte = match byte {
                b'*' => {
                    self.at += 1;
                    parts.push(Vec::new());
                    continue;
                }
                b'(' => return Err(self.wrong("a ( in a value is written \\28")),
                0 => return Err(self.wrong("a NUL in a value is written \\00")),
                b'\\' => {
                    let digits = self.text.get(self.at + 1..self.at + 3);
                    let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
                    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
                    let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                    let byte = byte.ok_or_else(|| self.wrong("a \\ in a value is written \\5c"))?;
                    self.at += 2;
                    byte
                }
                plain => plain,
            };
            self.at += 1;
            // There is always one.
            if let Some(part) = parts.last_mut() {
                part.push(byte);
            }
        }
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> LdapFilter {
        LdapFilter::parse(text).unwrap()
    }

    #[test]
    fn filters_are_read() {
        let equal = |name: &str, value: &[u8]| LdapFilter::Equal(name.into(), value.to_vec());
        assert_eq!(parsed(" (cn=Babs Jensen) "), equal("cn", b"Babs Jensen"));
        assert_eq!(parsed("(!(cn=Tim Howes))"), LdapFilter::Not(Box::new(equal("cn", b"Tim Howes"))));
        assert_eq!(parsed("(&)"), LdapFilter::And(vec![]));
        assert_eq!(
            parsed("(&(a=)(|(b>=1)(c<=2)(d~=3)))"),
            LdapFilter::And(vec![
                equal("a", b""),
                LdapFilter::Or(vec![
                    LdapFilter::AtLeast("b".into(), b"1".to_vec()),
                    LdapFilter::AtMost("c".into(), b"2".to_vec()),
                    LdapFilter::Like("d".into(), b"3".to_vec()),
                ]),
            ])
        );
        assert_eq!(parsed("(objectGUID=\\01\\fF\\2a)"), equal("objectGUID", &[1, 0xff, b'*']));
        assert_eq!(parsed("(cn;lang-de=ü)"), equal("cn;lang-de", "ü".as_bytes()));
    }

    #[test]
    fn stars_cut_a_value() {
        assert_eq!(parsed("(cn=*)"), LdapFilter::Present("cn".into()));
        assert_eq!(parsed("(cn=**)"), LdapFilter::Present("cn".into()));
        let substrings = |first: &[u8], middle: &[&[u8]], last: &[u8]| LdapFilter::Substrings {
            attribute: "o".into(),
            first: first.to_vec(),
            middle: middle.iter().map(|part| part.to_vec()).collect(),
            last: last.to_vec(),
        };
        assert_eq!(parsed("(o=univ*of*mich*)"), substrings(b"univ", &[b"of", b"mich"], b""));
        assert_eq!(parsed("(o=*x)"), substrings(b"", &[], b"x"));
    }

    #[test]
    fn matching_rules_are_read() {
        let extended = |attribute: Option<&str>, names_too, rule: Option<&str>| LdapFilter::Extended {
            attribute: attribute.map(str::to_owned),
            names_too,
            rule: rule.map(str::to_owned),
            value: b"x".to_vec(),
        };
        assert_eq!(parsed("(cn:caseExactMatch:=x)"), extended(Some("cn"), false, Some("caseExactMatch")));
        assert_eq!(parsed("(cn:=x)"), extended(Some("cn"), false, None));
        assert_eq!(parsed("(o:dn:=x)"), extended(Some("o"), true, None));
        assert_eq!(parsed("(:dn:2.4.6:=x)"), extended(None, true, Some("2.4.6")));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let deep = "(!".repeat(100_000);
        for text in [
            "",
            "a=b",
            "(",
            "()",
            "(a)",
            "(=b)",
            "(a=b",
            "(a=b))",
            "(a=b)(c=d)",
            "(a=(b)",
            "(a=\\4)",
            "(a=\\zz)",
            "(a>=*)",
            "(!)",
            "(a\0=b)",
            "(:=x)",
            "(a:b=x)",
            "(a=\\+1)",
            &deep,
        ] {
            assert!(LdapFilter::parse(text).is_err(), "{}", &text[..text.len().min(20)]);
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_is_read_or_refused(text in "[(&|!)a=*:\\\\0ü<>~]{0,60}") {
            let _ = LdapFilter::parse(&text);
        }
    }
}
