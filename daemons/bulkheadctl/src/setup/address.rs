//! Where people reach this instance: `base-url` of api.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use hyper::Uri;

use super::step;
use crate::files;

/// The fragment that setup owns. A later one of the administrator's wins.
const FRAGMENT: &str = "api.d/10-setup.toml";

/// A base URL, checked as api will check it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    url: String,
    host: String,
    /// Whether it is to be written: what stands in the configuration already is left alone.
    new: bool,
}

impl BaseUrl {
    /// Scheme, host and port; nothing behind.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let url = text.trim().trim_end_matches('/');
        let uri: Option<Uri> = url.parse().ok();
        let host = uri.filter(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.path() == "/" && uri.query().is_none()
        });
        let host = host.and_then(|uri| uri.host().map(str::to_owned)).filter(|_| !url.contains('@'));
        let host =
            host.with_context(|| format!("`{text}` is no base URL: it must be like https://tools.example.org:8443"))?;
        Ok(Self { url: url.to_owned(), host, new: true })
    }

    /// What was given, else what is configured, else what the person says, else this machine's name.
    pub(crate) fn choose(etc: &Path, given: Option<&str>, non_interactive: bool) -> Result<Self> {
        let configured = configured(etc)?;
        match (given, configured) {
            (Some(given), Some(configured)) => {
                let given = Self::parse(given)?;
                Ok(Self { new: given.url != configured, ..given })
            }
            (Some(given), None) => Self::parse(given),
            (None, Some(configured)) => Ok(Self { new: false, ..Self::parse(&configured)? }),
            (None, None) => {
                let default = format!("https://{}:8443", own_name());
                if non_interactive || !std::io::stdin().is_terminal() {
                    return Self::parse(&default);
                }
                print!("Where will people reach Bulkhead? [{default}] ");
                std::io::stdout().flush()?;
                let mut line = String::new();
                std::io::stdin().lock().read_line(&mut line).context("read the answer")?;
                Self::parse(if line.trim().is_empty() { &default } else { &line })
            }
        }
    }

    /// The whole URL, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its host, without port.
    pub(crate) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Writes it to the configuration; true when that changed anything.
    pub(crate) fn write(&self, etc: &Path) -> Result<bool> {
        if !self.new {
            return Ok(false);
        }
        let path = etc.join(FRAGMENT);
        files::folder(path.parent().unwrap_or(etc), 0o755)?;
        let text =
            format!("# Written by `bulkheadctl setup --base-url`.\nbase-url = {}\n", toml::Value::from(self.url()));
        files::write(&path, text.as_bytes(), 0o644)?;
        let now = configured(etc)?;
        ensure!(
            now.as_deref() == Some(self.url()),
            "base-url is set in a file of {} that is read after {FRAGMENT}: change it there",
            etc.join("api.d").display()
        );
        step(&format!("base-url = {} in {}", self.url(), path.display()));
        Ok(true)
    }
}

/// `base-url` as api reads it: the main file, then the fragments in order of name.
fn configured(etc: &Path) -> Result<Option<String>> {
    let mut files = vec![etc.join("api.toml")];
    if let Ok(entries) = std::fs::read_dir(etc.join("api.d")) {
        let mut fragments: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        fragments.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        fragments.sort();
        files.extend(fragments);
    }
    let mut found = None;
    for file in files {
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| format!("read {}", file.display())),
        };
        let table: toml::Table = text.parse().with_context(|| format!("{} is not valid TOML", file.display()))?;
        match table.get("base-url") {
            Some(toml::Value::String(url)) => found = Some(url.trim_end_matches('/').to_owned()),
            Some(_) => bail!("base-url in {} must be a text", file.display()),
            None => {}
        }
    }
    Ok(found)
}

/// The machine's name as others may know it.
fn own_name() -> String {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scheme_host_and_port_are_a_base_url() {
        let url = BaseUrl::parse("https://Tools.example.org:8443/").expect("sound");
        assert_eq!((url.url(), url.host()), ("https://Tools.example.org:8443", "Tools.example.org"));
        assert_eq!(BaseUrl::parse("http://[::1]:8080").expect("sound").host(), "::1");
        for bad in ["", "tools", "ftp://x", "https://x/y", "https://u:p@x", "https://x?y"] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_configured_stays_unless_another_is_given() {
        let etc = tempfile::tempdir().expect("a directory");
        let first = BaseUrl::choose(etc.path(), Some("https://a.example"), true).expect("chooses");
        assert!(first.write(etc.path()).expect("writes"));
        let kept = BaseUrl::choose(etc.path(), None, true).expect("chooses");
        assert_eq!(kept.url(), "https://a.example");
        assert!(!kept.write(etc.path()).expect("leaves alone"));
        let changed = BaseUrl::choose(etc.path(), Some("https://b.example"), true).expect("chooses");
        assert!(changed.write(etc.path()).expect("writes"));
    }

    #[test]
    fn a_later_file_that_says_otherwise_is_told() {
        let etc = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(etc.path().join("api.d")).expect("made");
        std::fs::write(etc.path().join("api.d/90-own.toml"), "base-url = 'https://a.example'").expect("written");
        let given = BaseUrl::choose(etc.path(), Some("https://b.example"), true).expect("chooses");
        assert!(given.write(etc.path()).expect_err("refused").to_string().contains("change it there"));
    }
}
