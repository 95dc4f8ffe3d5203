//! Where code may send requests: origins that an administrator listed, none by default.

use url::{Host, Url};

/// The list.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<Origin>);

#[derive(Clone, Debug)]
struct Origin {
    scheme: String,
    host: Pattern,
    port: u16,
}

#[derive(Clone, Debug)]
enum Pattern {
    Exactly(Host<String>),
    /// `*.example.com`, as `.example.com`: every name that ends so.
    Below(String),
}

impl Origins {
    /// Reads `https://api.example.com`, `https://*.example.com`, `http://10.0.0.5:8080`. An error says which is none of them.
    pub fn new(texts: &[String]) -> Result<Self, String> {
        texts.iter().map(|text| Origin::parse(text)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a request to this address may be made.
    pub(crate) fn permit(&self, url: &Url) -> bool {
        self.0.iter().any(|origin| origin.matches(url))
    }
}

impl Origin {
    fn parse(text: &str) -> Result<Self, String> {
        let fault = || format!("`{text}` is no origin such as https://api.example.com or https://*.example.com");
        let (plain, below) = match text.split_once("://*.") {
            Some((scheme, host)) => (format!("{scheme}://{host}"), true),
            None => (text.to_owned(), false),
        };
        let url = Url::parse(&plain).map_err(|_| fault())?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && !has_user(&url);
        if !bare || !matches!(url.scheme(), "http" | "https") {
            return Err(fault());
        }
        let host = url.host().ok_or_else(fault)?.to_owned();
        let host = match (below, host) {
            // `*.com` would be half the world.
            (true, Host::Domain(name)) if name.contains('.') => Pattern::Below(format!(".{name}")),
            (true, _) => return Err(fault()),
            (false, host) => Pattern::Exactly(host),
        };
        Ok(Self { scheme: url.scheme().to_owned(), host, port: url.port_or_known_default().ok_or_else(fault)? })
    }

    fn matches(&self, url: &Url) -> bool {
        let host = match (&self.host, url.host()) {
            (Pattern::Exactly(own), Some(asked)) => *own == asked.to_owned(),
            (Pattern::Below(suffix), Some(Host::Domain(name))) => name.ends_with(suffix),
            _ => false,
        };
        host && self.scheme == url.scheme() && Some(self.port) == url.port_or_known_default()
    }
}

/// A name or password in an address ends up in logs; nothing here needs one.
pub(crate) fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn permit(list: &[&str], url: &str) -> bool {
        let list: Vec<String> = list.iter().map(|text| (*text).to_owned()).collect();
        Origins::new(&list).unwrap().permit(&Url::parse(url).unwrap())
    }

    #[test]
    fn nothing_is_permitted_unless_it_is_listed() {
        assert!(!permit(&[], "https://example.com/"));
        assert!(permit(&["https://api.example.com"], "https://API.example.com:443/v1?x=1"));
        assert!(permit(&["http://10.0.0.5:8080"], "http://10.0.0.5:8080/"));
        assert!(permit(&["https://*.example.com"], "https://a.b.example.com/"));
    }

    #[test]
    fn what_only_looks_like_a_listed_origin_is_refused() {
        for url in [
            "http://api.example.com/",
            "https://api.example.com:8443/",
            "https://api.example.com.evil.test/",
            "https://evil.test/api.example.com",
            "https://xapi.example.com/",
            "https://example.com/",
        ] {
            assert!(!permit(&["https://api.example.com"], url), "{url}");
        }
        assert!(!permit(&["https://*.example.com"], "https://example.com/"), "the name itself is not below itself");
        assert!(!permit(&["https://*.example.com"], "https://evilexample.com/"));
        assert!(!permit(&["http://10.0.0.5"], "http://10.0.0.50/"));
        // Other spellings of an address are the address.
        assert!(permit(&["http://127.0.0.1"], "http://0x7f.1/"));
    }

    #[test]
    fn what_is_no_origin_is_refused_by_name() {
        for text in
            ["example.com", "ftp://example.com", "https://example.com/path", "https://*.com", "https://u:p@example.com"]
        {
            let fault = Origins::new(&[text.to_owned()]).unwrap_err();
            assert!(fault.contains(text), "{fault}");
        }
    }
}
