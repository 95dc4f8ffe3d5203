//! The page of a package at a Python index. Format: "Simple repository API" of the Python packaging specifications, as JSON
//! (PEP 691) or HTML (PEP 503).

use serde::Deserialize;
use url::Url;

use super::IndexFile;
use crate::digest::Digest;

/// JSON if the index has it.
pub(crate) const ACCEPT: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/// Bytes of a file name that may end up in the cache.
const MAX_FILENAME_BYTES: usize = 200;

#[derive(Deserialize)]
struct Page {
    files: Vec<PageFile>,
}

#[derive(Deserialize)]
struct PageFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: Hashes,
}

#[derive(Default, Deserialize)]
struct Hashes {
    sha256: Option<String>,
}

/// The files of the page at `url`. An error says what the page is not.
pub(crate) fn parse(content_type: &str, text: &str, url: &Url) -> Result<Vec<IndexFile>, String> {
    if content_type.to_ascii_lowercase().contains("json") {
        let page: Page = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let files = page.files.into_iter();
        return Ok(files.filter_map(|file| index_file(&file.filename, &file.url, file.hashes.sha256, url)).collect());
    }
    Ok(anchors(text).filter_map(|(href, name)| index_file(&name, &href, None, url)).collect())
}

/// A file, unless its name or address is one that nothing good has.
fn index_file(filename: &str, href: &str, sha256: Option<String>, page: &Url) -> Option<IndexFile> {
    let plain = filename.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+!".contains(&byte));
    if !plain || filename.starts_with('.') || !(1..=MAX_FILENAME_BYTES).contains(&filename.len()) {
        return None;
    }
    let mut url = page.join(href).ok()?;
    // Where the page comes by HTTPS, so does all that it leads to.
    if url.scheme() != "https" && url.origin() != page.origin() {
        return None;
    }
    let fragment = url.fragment().and_then(|fragment| fragment.strip_prefix("sha256=")).map(str::to_owned);
    url.set_fragment(None);
    // Known wrongly is not known: the archive is checked when it is there.
    let sha256 = sha256.or(fragment).as_deref().and_then(Digest::sha256);
    Some(IndexFile { filename: filename.to_owned(), url, sha256 })
}

/// Address and text of each anchor. Indexes write plain lists, so this is no HTML parser.
fn anchors(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split("<a").skip(1).filter_map(|anchor| {
        let (tag, rest) = anchor.split_once('>')?;
        let name = rest.split('<').next()?.trim();
        let value = tag.split_once("href=")?.1;
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let href = value[1..].split(quote).next()?;
        Some((unescaped(href), unescaped(name)))
    })
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Url {
        Url::parse("https://index.example/simple/n/").expect("a url")
    }

    #[test]
    fn both_forms_of_a_page_say_the_same() {
        let digits = "a".repeat(64);
        let json = format!(
            r#"{{"files": [{{"filename": "n-1.whl", "url": "../../f/n-1.whl", "hashes": {{"sha256": "{digits}"}}}}]}}"#
        );
        let html = format!("<html><body><a data-x='1' href=\"../../f/n-1.whl#sha256={digits}\">n-1.whl</a><br></body>");

        let one = parse("application/vnd.pypi.simple.v1+json", &json, &page()).expect("parses");
        let other = parse("text/html; charset=utf-8", &html, &page()).expect("parses");

        assert_eq!(one, other);
        assert_eq!(one[0].url.as_str(), "https://index.example/f/n-1.whl");
        assert_eq!(one[0].sha256, Digest::sha256(&digits));
    }

    #[test]
    fn names_and_addresses_that_lead_astray_are_passed_over() {
        let html = "<a href='http://other.example/n-1.whl'>n-1.whl</a><a href='x'>../n.whl</a><a href='x'>.n</a><a>n</a>\
                    <a href='file:///etc/passwd'>n-2.whl</a>";
        assert_eq!(parse("text/html", html, &page()).expect("parses"), []);
        assert!(parse("application/json", "{", &page()).is_err());
    }
}
