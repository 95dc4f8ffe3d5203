//! The answers of S3 as a tree of elements: a small part of XML, within limits, with nothing that is looked up elsewhere.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

/// How deep elements nest at most; an answer of S3 has four levels.
const MAX_DEPTH: usize = 16;
/// Elements at most; a thousand objects have some ten each.
const MAX_ELEMENTS: usize = 50_000;

/// An element with the text directly in it.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Its name, without a namespace.
    pub(super) name: String,
    pub(super) text: String,
    children: Vec<Self>,
}

impl Element {
    /// The elements of this name in it.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first element of this name.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.children.iter().find(|child| child.name == name).map(|child| child.text.as_str())
    }
}

/// The element that a document is; none if it is no document within the limits.
pub(super) fn parse(bytes: &[u8]) -> Option<Element> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut reader = Reader::from_str(text);
    // The first one stands for the document.
    let mut open = vec![Element::default()];
    let mut elements = 0_usize;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                elements += 1;
                if open.len() > MAX_DEPTH || elements > MAX_ELEMENTS {
                    return None;
                }
                open.push(named(&start));
            }
            Event::Empty(start) => {
                elements += 1;
                let within = elements <= MAX_ELEMENTS;
                open.last_mut().filter(|_| within)?.children.push(named(&start));
            }
            Event::End(_) => {
                let closed = open.pop()?;
                open.last_mut()?.children.push(closed);
            }
            Event::Text(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
            Event::CData(text) => open.last_mut()?.text.push_str(&text),
            Event::GeneralRef(reference) => {
                let into = &mut open.last_mut()?.text;
                match reference.resolve_char_ref().ok()? {
                    Some(character) => into.push(character),
                    None => into.push_str(resolve_predefined_entity(&reference)?),
                }
            }
            // It could define entities that grow without end.
            Event::DocType(_) => return None,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    let document = open.pop().filter(|_| open.is_empty())?;
    document.children.into_iter().next()
}

fn named(start: &BytesStart<'_>) -> Element {
    Element { name: start.local_name().as_ref().to_owned(), ..Element::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_tree_of_texts() {
        let text =
            "<?xml version=\"1.0\"?>\n<a:L xmlns:a='x'><C><Key>a &amp; &#x62;<![CDATA[<c>]]></Key><E/></C><C/></a:L>";
        let root = parse(text.as_bytes()).expect("a document");
        assert_eq!((root.name.as_str(), root.all("C").count()), ("L", 2));
        let first = root.all("C").next().expect("one");
        assert_eq!((first.text_of("Key"), first.text_of("E"), first.text_of("X")), (Some("a & b<c>"), Some(""), None));
    }

    #[test]
    fn what_is_no_document_within_limits_is_none() {
        let deep = "<a>".repeat(100) + &"</a>".repeat(100);
        let many = format!("<a>{}</a>", "<b/>".repeat(60_000));
        for text in [
            "",
            "plain",
            "<a>",
            "<a></b>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            "<a>&x;</a>",
            "{\"a\":1}",
            &deep,
            &many,
        ] {
            assert!(parse(text.as_bytes()).is_none(), "{}", &text[..text.len().min(40)]);
        }
        assert!(parse(b"<a>\xff</a>").is_none());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(text in "[<>/a-c&;!\\[\\]\"'= -]{0,200}") {
            let _ = parse(text.as_bytes());
        }
    }
}
