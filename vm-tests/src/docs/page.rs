//! Pages of Markdown: which of their blocks are commands, and what these are expected to print.
//!
//! A block of commands says in its fence what becomes of it: `sh run` is run by the machine's test, `sh example: REASON` is not, for that
//! reason. A block `text output` behind one that is run is what that prints; `…` in it stands for anything.

use anyhow::{Context, Result, bail, ensure};

/// Commands that are run, and what they print.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// Where its fence is, counted from 1.
    pub(crate) line: usize,
    /// For `bash`.
    pub(crate) script: String,
    /// The text that must be printed, where the page shows it.
    pub(crate) output: Option<String>,
}

/// First words of lines that are commands: a block with one says what becomes of it.
const COMMANDS: &[&str] = &[
    "sudo",
    "bulkheadctl",
    "systemctl",
    "journalctl",
    "apt",
    "apt-get",
    "dnf",
    "cargo",
    "curl",
    "npm",
    "pip",
    "ansible-playbook",
    "ansible-galaxy",
    "age",
    "nft",
    "psql",
    "ssh",
];

/// The blocks of a page that are run, in order. An error names the line of a block that does not say what becomes of it.
pub(crate) fn blocks(text: &str) -> Result<Vec<Block>> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(info) = line.trim_start().strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```").collect();
        let (info, at) = (info.trim(), index + 1);
        let (language, rest) = info.split_once(' ').unwrap_or((info, ""));
        match language {
            "sh" if rest == "run" => blocks.push(Block { line: at, script: body.join("\n"), output: None }),
            "sh" if rest.strip_prefix("example: ").is_some_and(|reason| reason.len() > 3) => {}
            "sh" => bail!("line {at}: a block of commands is ```sh run, or ```sh example: REASON"),
            "text" if rest == "output" => {
                let block = blocks.last_mut().with_context(|| format!("line {at}: nothing is run that prints this"))?;
                ensure!(block.output.is_none(), "line {at}: the block at line {} has its output already", block.line);
                block.output = Some(body.join("\n"));
            }
            _ => {
                let command = body.iter().find(|line| is_command(line));
                ensure!(
                    command.is_none() || !["", "text", "bash", "shell", "console"].contains(&language),
                    "line {at}: `{}` is a command: begin its block with ```sh run, or ```sh example: REASON",
                    command.unwrap_or(&"")
                );
            }
        }
    }
    Ok(blocks)
}

fn is_command(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next().is_some_and(|first| COMMANDS.contains(&first)) && words.next().is_some_and(|word| word != "=")
}

/// Whether `printed` is what `wanted` says, where `…` stands for anything and blanks at the ends of lines for nothing.
pub(crate) fn is_printed(printed: &str, wanted: &str) -> bool {
    let trimmed = |text: &str| text.trim().lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    let (printed, wanted) = (trimmed(printed), trimmed(wanted));
    let parts: Vec<&str> = wanted.split('…').collect();
    let (Some((first, more)), Some(last)) = (parts.split_first(), parts.last()) else { return false };
    let Some(mut rest) = printed.strip_prefix(first) else { return false };
    let Some((_, middle)) = more.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::docs::PAGES;

    #[test]
    fn blocks_are_read_with_their_output() {
        let page = "# A page\n\n```sh run\necho one\n```\n\n```text output\none\n```\n```sh example: it asks\nsudo x\n```\n```sh run\ntrue\n```\n";
        let found = blocks(page).expect("reads");
        assert_eq!(found[0], Block { line: 3, script: "echo one".into(), output: Some("one".into()) });
        assert_eq!(found[1], Block { line: 13, script: "true".into(), output: None });
    }

    #[test]
    fn commands_that_do_not_say_what_becomes_of_them_are_refused() {
        for page in [
            "```sh\ntrue\n```",
            "```sh example: \ntrue\n```",
            "```\nsudo true\n```",
            "```bash\nbulkheadctl status\n```",
            "```text output\nnothing\n```",
        ] {
            assert!(blocks(page).is_err(), "{page}");
        }
        assert_eq!(blocks("```\nnpm = 3\n```\n```toml\nx = 1\n```").expect("no commands"), []);
    }

    #[test]
    fn dots_stand_for_anything() {
        for (printed, wanted) in [
            ("a b c\n", "a b c"),
            ("a b c", "a … c"),
            ("a\nb\nc", "a\n…\nc"),
            ("a\nb", "a…"),
            ("x a", "…a"),
            ("a  \nb", "a\nb"),
        ] {
            assert!(is_printed(printed, wanted), "{printed} {wanted}");
        }
        for (printed, wanted) in [("a b", "a"), ("a b c", "a … d"), ("x a", "a…"), ("", "a")] {
            assert!(!is_printed(printed, wanted), "{printed} {wanted}");
        }
    }

    #[test]
    fn every_command_of_the_pages_is_run_or_says_why_not() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut faults = Vec::new();
        for page in all(&repository).expect("the pages") {
            let text = std::fs::read_to_string(repository.join(&page)).expect("a page");
            match blocks(&text) {
                Err(error) => faults.push(format!("{page}: {error:#}")),
                Ok(found) if !found.is_empty() && !PAGES.contains(&page.as_str()) => {
                    faults.push(format!(
                        "{page}: has commands that are run, and is not in PAGES of vm-tests/src/docs.rs"
                    ));
                }
                Ok(_) => {}
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    /// All pages that people read, by their paths in the repository. Those that are generated show no commands to run.
    fn all(repository: &Path) -> Result<Vec<String>> {
        let mut found: Vec<String> =
            ["README.md", "CONTRIBUTING.md", "ansible/README.md", "packaging/monitoring/monitoring.md"]
                .map(str::to_owned)
                .into();
        let mut folders = vec![PathBuf::from("docs")];
        while let Some(folder) = folders.pop() {
            for entry in
                std::fs::read_dir(repository.join(&folder)).with_context(|| format!("list {}", folder.display()))?
            {
                let entry = entry?;
                let path = folder.join(entry.file_name());
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "md") && !path.starts_with("docs/reference") {
                    found.push(path.display().to_string());
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// What GitHub makes of headings, to be linked to.
    fn anchors(text: &str) -> Vec<String> {
        let headings = text.lines().filter(|line| line.starts_with('#'));
        let anchor = |line: &str| {
            let kept = line.trim_start_matches('#').trim().to_lowercase();
            kept.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c)).collect::<String>().replace(' ', "-")
        };
        headings.map(anchor).collect()
    }

    #[test]
    fn every_link_of_the_pages_leads_somewhere() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut faults = Vec::new();
        for page in all(&repository).expect("the pages") {
            let text = std::fs::read_to_string(repository.join(&page)).expect("a page");
            for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
                if link.contains("://") || link.contains(' ') || link.is_empty() {
                    continue;
                }
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let here = repository.join(&page);
                let target = if file.is_empty() { here } else { here.parent().expect("a folder").join(file) };
                let is_there = anchor.is_empty()
                    || std::fs::read_to_string(&target)
                        .is_ok_and(|text| anchors(&text).iter().any(|found| found == anchor));
                if !target.exists() || !is_there {
                    faults.push(format!("{page}: {link} leads nowhere"));
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}
