//! The messages of LDAP (RFC 4511) that a search needs, and the control that has it answered in pages (RFC 2696).

use bulkhead_model::operation::{LdapFilter, LdapScope};

use super::ber::{BOOLEAN, ENUMERATED, INTEGER, OCTETS, Reader, SEQUENCE, SET, Writer};

const PAGED_RESULTS: &[u8] = b"1.2.840.113556.1.4.319";
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// A search with its values.
pub(super) struct Search {
    pub(super) base: String,
    pub(super) scope: LdapScope,
    pub(super) filter: LdapFilter,
    pub(super) attributes: Vec<String>,
    /// Entries that the server gives at most.
    pub(super) size_limit: u32,
    /// Seconds that it takes at most.
    pub(super) time_limit: u32,
}

pub(super) fn bind(id: u32, name: &str, password: &[u8]) -> Vec<u8> {
    message(id, |writer| {
        writer.constructed(0x60, |bind| {
            bind.integer(INTEGER, 3);
            bind.primitive(OCTETS, name.as_bytes());
            bind.primitive(0x80, password);
        });
    })
}

pub(super) fn start_tls(id: u32) -> Vec<u8> {
    message(id, |writer| writer.constructed(0x77, |request| request.primitive(0x80, START_TLS)))
}

/// A search, in pages of `page` entries; `cookie` is what the server gave with the last one.
pub(super) fn search(id: u32, search: &Search, page: u32, cookie: &[u8]) -> Vec<u8> {
    message(id, |writer| {
        writer.constructed(0x63, |request| {
            request.primitive(OCTETS, search.base.as_bytes());
            let scope = match search.scope {
                LdapScope::Base => 0,
                LdapScope::One => 1,
                LdapScope::Subtree => 2,
            };
            request.integer(ENUMERATED, scope);
            // Aliases are not followed.
            request.integer(ENUMERATED, 0);
            request.integer(INTEGER, search.size_limit);
            request.integer(INTEGER, search.time_limit);
            request.boolean(BOOLEAN, false);
            filter(request, &search.filter);
            request.constructed(SEQUENCE, |names| {
                search.attributes.iter().for_each(|name| names.primitive(OCTETS, name.as_bytes()));
            });
        });
        writer.constructed(0xa0, |controls| {
            controls.constructed(SEQUENCE, |control| {
                control.primitive(OCTETS, PAGED_RESULTS);
                let mut value = Writer::default();
                value.constructed(SEQUENCE, |value| {
                    value.integer(INTEGER, page);
                    value.primitive(OCTETS, cookie);
                });
                control.primitive(OCTETS, &value.0);
            });
        });
    })
}

fn message(id: u32, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.constructed(SEQUENCE, |inside| {
        inside.integer(INTEGER, id);
        write(inside);
    });
    writer.0
}

/// A filter. Its depth is bounded where its text is read.
fn filter(writer: &mut Writer, told: &LdapFilter) {
    let mut compare = |tag: u8, name: &str, value: &[u8]| {
        writer.constructed(tag, |inside| {
            inside.primitive(OCTETS, name.as_bytes());
            inside.primitive(OCTETS, value);
        });
    };
    match told {
        LdapFilter::Equal(name, value) => compare(0xa3, name, value),
        LdapFilter::AtLeast(name, value) => compare(0xa5, name, value),
        LdapFilter::AtMost(name, value) => compare(0xa6, name, value),
        LdapFilter::Like(name, value) => compare(0xa8, name, value),
        LdapFilter::And(all) => writer.constructed(0xa0, |inside| all.iter().for_each(|one| filter(inside, one))),
        LdapFilter::Or(all) => writer.constructed(0xa1, |inside| all.iter().for_each(|one| filter(inside, one))),
        LdapFilter::Not(one) => writer.constructed(0xa2, |inside| filter(inside, one)),
        LdapFilter::Present(name) => writer.primitive(0x87, name.as_bytes()),
        LdapFilter::Substrings { attribute, first, middle, last } => writer.constructed(0xa4, |inside| {
            inside.primitive(OCTETS, attribute.as_bytes());
            inside.constructed(SEQUENCE, |parts| {
                let ends = [(0x80, first), (0x82, last)].map(|(tag, part)| (tag, part.as_slice()));
                let middle = middle.iter().map(|part| (0x81, part.as_slice()));
                let all = std::iter::once(ends[0]).chain(middle).chain(std::iter::once(ends[1]));
                all.filter(|(_, part)| !part.is_empty()).for_each(|(tag, part)| parts.primitive(tag, part));
            });
        }),
        LdapFilter::Extended { attribute, names_too, rule, value } => writer.constructed(0xa9, |inside| {
            for (tag, name) in [(0x81, rule), (0x82, attribute)] {
                if let Some(name) = name {
                    inside.primitive(tag, name.as_bytes());
                }
            }
            inside.primitive(0x83, value);
            if *names_too {
                inside.boolean(0x84, true);
            }
        }),
    }
}

/// What a server answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// An entry with its attributes: each a name with its values.
    Entry(Entry),
    /// Another server that has more. It is not asked.
    Elsewhere,
    /// How what was asked ended; with the cookie of the next page, if there is one.
    Outcome(Outcome, Vec<u8>),
    /// It is about to close the connection.
    Disconnects,
}

/// An entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, Vec<Vec<u8>>)>,
}

/// How something ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) code: u32,
    pub(super) message: String,
}

/// The answer in a message to the request `id`. The content of a message is taken apart only as far as it is known.
pub(super) fn answer(content: &[u8], id: u32) -> Result<Answer, &'static str> {
    let mut message = Reader(content);
    let answered = message.integer(INTEGER)?;
    let (tag, content) = message.next()?.ok_or("it sent an empty message")?;
    match answered {
        0 => return Ok(Answer::Disconnects),
        other if other != id => return Err("it answered what was not asked"),
        _ => {}
    }
    let mut inside = Reader(content);
    match tag {
        0x64 => entry(inside).map(Answer::Entry),
        0x73 => Ok(Answer::Elsewhere),
        0x61 | 0x65 | 0x78 => {
            let code = inside.integer(ENUMERATED)?;
            let _ = inside.expect(OCTETS)?;
            let outcome = Outcome { code, message: inside.text(OCTETS)? };
            Ok(Answer::Outcome(outcome, cookie(message)?))
        }
        _ => Err("it answered in a way that is not known here"),
    }
}

/// Names and values of one entry at most: each takes more room here than on its way.
const MAX_VALUES: usize = 500_000;
const TOO_MANY: &str = "an entry has more than 500,000 names and values: name the attributes that are wanted";

fn entry(mut inside: Reader<'_>) -> Result<Entry, &'static str> {
    let name = inside.text(OCTETS)?;
    let mut list = Reader(inside.expect(SEQUENCE)?);
    let (mut attributes, mut count) = (Vec::new(), 0);
    while let Some((_, attribute)) = list.next()? {
        let mut attribute = Reader(attribute);
        let name = attribute.text(OCTETS)?;
        let mut set = Reader(attribute.expect(SET)?);
        let mut values = Vec::new();
        while let Some((_, value)) = set.next()? {
            count += 1;
            if count > MAX_VALUES {
                return Err(TOO_MANY);
            }
            values.push(value.to_vec());
        }
        count += 1;
        attributes.push((name, values));
    }
    Ok(Entry { name, attributes })
}

/// The cookie in the controls behind an answer; nothing where there is none.
fn cookie(mut rest: Reader<'_>) -> Result<Vec<u8>, &'static str> {
    let Some((0xa0, controls)) = rest.next()? else { return Ok(Vec::new()) };
    let mut controls = Reader(controls);
    while let Some((_, control)) = controls.next()? {
        let mut control = Reader(control);
        if control.expect(OCTETS)? != PAGED_RESULTS {
            continue;
        }
        while let Some((tag, value)) = control.next()? {
            if tag == OCTETS {
                let mut value = Reader(Reader(value).expect(SEQUENCE)?);
                value.integer(INTEGER)?;
                return value.expect(OCTETS).map(<[u8]>::to_vec);
            }
        }
    }
    Ok(Vec::new())
}

impl Outcome {
    /// As it is shown: the code by its name, and what the server adds.
    pub(super) fn shown(&self) -> String {
        let name = match self.code {
            1 => "operationsError",
            2 => "protocolError",
            3 => "timeLimitExceeded",
            4 => "sizeLimitExceeded",
            8 => "strongerAuthRequired",
            10 => "referral: the entries are on another server, which is not asked",
            11 => "adminLimitExceeded",
            13 => "confidentialityRequired: the server wants TLS",
            18 => "inappropriateMatching",
            21 => "invalidAttributeSyntax",
            32 => "noSuchObject: there is no entry with the name of the base",
            34 => "invalidDNSyntax",
            48 => "inappropriateAuthentication",
            49 => "invalidCredentials",
            50 => "insufficientAccessRights",
            51 => "busy",
            52 => "unavailable",
            53 => "unwillingToPerform",
            _ => "",
        };
        let said: String = self.message.chars().filter(|c| !c.is_control()).take(300).collect();
        let shown = format!("{} {name}", self.code);
        let shown = shown.trim_end();
        if said.is_empty() { shown.to_owned() } else { format!("{shown} ({said})") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_written_as_the_standard_has_it() {
        let mut writer = Writer::default();
        filter(&mut writer, &LdapFilter::parse("(&(a=1)(!(b=x*y*z))(c=*))").expect("a filter"));
        let expected =
            b"\xa0\x1e\xa3\x06\x04\x01a\x04\x011\xa2\x10\xa4\x0e\x04\x01b\x30\x09\x80\x01x\x81\x01y\x82\x01z\x87\x01c";
        // The length is that of what follows.
        assert_eq!((writer.0[1] as usize, &writer.0[2..]), (writer.0.len() - 2, &expected[2..]));
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100)) {
            let mut content = vec![INTEGER, 1, 1];
            content.extend(bytes);
            let _ = answer(&content, 1);
        }
    }
}
