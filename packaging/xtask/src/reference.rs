//! The reference: man pages for the packages, and `docs/reference`, both from what the programs themselves read: the definition of the
//! command line, and the default configuration files with their comments.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::{Arg, Command, CommandFactory};
use clap_mangen::roff::{Roff, bold, roman};

use crate::paths;

/// The command line of `bulkheadctl`, as that compiles it.
#[allow(dead_code, reason = "what is parsed into is read by bulkheadctl alone")]
#[path = "../../../daemons/bulkheadctl/src/cli.rs"]
mod cli;

const WRITTEN_BY: &str = "<!-- Written by `cargo xtask gen`: change the sources that it names instead. -->";

/// One key of a daemon's configuration.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    /// With the names of its tables: `database.port`.
    name: String,
    /// As TOML. For a key without a default, an example.
    value: String,
    text: String,
}

/// A daemon's configuration file.
#[derive(Debug)]
struct Configuration {
    daemon: String,
    /// What the daemon does.
    purpose: String,
    /// Tables with what is said of them, in order.
    tables: Vec<(String, String)>,
    keys: Vec<Key>,
}

/// Writes `docs/reference`.
pub(crate) fn generate() -> Result<()> {
    for (path, text) in documents()? {
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Whether `docs/reference` is what would be written.
pub(crate) fn check() -> Result<()> {
    for (path, text) in documents()? {
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        ensure!(found == text, "{} is not what the sources say: cargo xtask gen", path.display());
    }
    Ok(())
}

fn documents() -> Result<[(PathBuf, String); 2]> {
    let folder = paths::repository().join("docs/reference");
    let configuration = configuration_document(&configurations(&paths::repository())?)?;
    Ok([(folder.join("cli.md"), cli_document()?), (folder.join("configuration.md"), configuration)])
}

/// Writes all man pages into a folder: `bulkheadctl.1` and one for each command, `bulkhead-<daemon>.8` for each daemon.
pub(crate) fn man_pages(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut command = cli::Arguments::command().disable_help_subcommand(true);
    command.build();
    clap_mangen::generate_to(visible(command), folder).context("write the pages of bulkheadctl")?;
    for configuration in configurations(&paths::repository())? {
        let path = folder.join(format!("bulkhead-{}.8", configuration.daemon));
        std::fs::write(&path, daemon_page(&configuration)).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Without what is hidden, and without the `help` that clap adds everywhere.
fn visible(command: Command) -> Command {
    command.mut_subcommands(|inner| visible(inner.disable_help_subcommand(true)))
}

// Command line ---------------------------------------------------------------------------------------------------------

fn cli_document() -> Result<String> {
    let mut text = format!(
        "# Command line\n\n{WRITTEN_BY}\n\nFrom `daemons/bulkheadctl/src/cli.rs`. The packages bring the same as man pages: `man bulkheadctl`, \
         `man bulkheadctl-backup`.\n"
    );
    let mut command = cli::Arguments::command().disable_help_subcommand(true);
    command.build();
    describe(&command, &mut text)?;
    Ok(text)
}

fn describe(command: &Command, text: &mut String) -> Result<()> {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    writeln!(text, "\n## {name}\n")?;
    if let Some(about) = command.get_about() {
        writeln!(text, "{about}.\n")?;
    }
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").lines().map(str::trim).collect::<Vec<_>>().join("\n");
    writeln!(text, "```\n{usage}\n```")?;
    let arguments: Vec<&Arg> = command.get_arguments().filter(|argument| is_shown(argument, name)).collect();
    if !arguments.is_empty() {
        writeln!(text, "\n| | |\n|---|---|")?;
    }
    for argument in arguments {
        let values: Vec<String> = argument
            .get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        let mut says = argument.get_help().map(ToString::to_string).unwrap_or_default();
        if !values.is_empty() && argument.get_action().takes_values() {
            says += &format!(" ({})", values.join(", "));
        }
        let defaults: Vec<String> =
            argument.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
        if !defaults.is_empty() && argument.get_action().takes_values() {
            says += &format!("; default {}", defaults.join(", "));
        }
        writeln!(text, "| `{}` | {} |", spelled(argument), says.replace('|', "\\|"))?;
    }
    if let Some(more) = command.get_after_help() {
        writeln!(text, "\n```\n{more}\n```")?;
    }
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        describe(inner, text)?;
    }
    Ok(())
}

fn is_shown(argument: &Arg, command: &str) -> bool {
    let everywhere = argument.is_global_set() && command.contains(' ');
    !argument.is_hide_set() && !everywhere && !["help", "version"].contains(&argument.get_id().as_str())
}

fn spelled(argument: &Arg) -> String {
    let values = argument.get_value_names().unwrap_or_default();
    let values: Vec<String> = values.iter().map(|value| value.to_string()).collect();
    match argument.get_long() {
        Some(long) if argument.get_action().takes_values() => format!("--{long} {}", values.join(" ")),
        Some(long) => format!("--{long}"),
        None => values.join(" "),
    }
}

// Configuration --------------------------------------------------------------------------------------------------------

fn configurations(root: &Path) -> Result<Vec<Configuration>> {
    let folder = root.join("packaging/default-config");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
        files.push(entry?.path());
    }
    files.sort();
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let daemon = path.file_stem().and_then(|stem| stem.to_str()).context("a file's name")?;
        parse(daemon, &text).with_context(|| format!("read {}", path.display()))
    };
    files.iter().map(read).collect()
}

/// Reads a default file: comments are the text of the key or table that follows; keys that follow at once share it.
fn parse(daemon: &str, text: &str) -> Result<Configuration> {
    let (first, rest) = text.split_once('\n').context("it is empty")?;
    let purpose = first.strip_prefix(&format!("# bulkhead-{daemon}: "));
    let purpose = purpose.context("its first line does not say what the daemon does")?;
    let purpose = purpose.strip_suffix(" Every key with its default.").unwrap_or(purpose).trim_end_matches('.');
    let (_, rest) = rest.split_once("\n\n").context("it has no key")?;
    let (mut table, mut said, mut follows_key) = (String::new(), String::new(), false);
    let (mut tables, mut keys) = (Vec::new(), Vec::<Key>::new());
    for line in rest.lines() {
        let Some(line) = line.strip_prefix('#') else {
            ensure!(line.is_empty(), "this line is no comment: {line}");
            ensure!(said.is_empty(), "this text belongs to no key: {said}");
            follows_key = false;
            continue;
        };
        let line = line.strip_prefix(' ').unwrap_or(line);
        if let Some(name) = line.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            table = name.to_owned();
            tables.push((table.clone(), std::mem::take(&mut said)));
            follows_key = false;
        } else if let Some((name, value)) = line.split_once(" = ").filter(|(name, _)| is_key(name)) {
            let name = if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") };
            // Of keys that stand together the first one's text is all of theirs.
            let shared = if follows_key { keys.last().map(|key| key.text.clone()) } else { None };
            let own = std::mem::take(&mut said);
            let text = if own.is_empty() && table.is_empty() { shared.unwrap_or_default() } else { own };
            keys.push(Key { name, value: value.to_owned(), text });
            follows_key = true;
        } else {
            said = if said.is_empty() { line.to_owned() } else { format!("{said} {line}") };
        }
    }
    ensure!(!keys.is_empty(), "it has no key");
    if !said.is_empty() {
        bail!("this text belongs to no key: {said}");
    }
    Ok(Configuration { daemon: daemon.to_owned(), purpose: purpose.to_owned(), tables, keys })
}

fn is_key(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn configuration_document(all: &[Configuration]) -> Result<String> {
    let mut text = format!(
        "# Configuration\n\n{WRITTEN_BY}\n\nFrom `packaging/default-config`. A daemon reads `/etc/bulkhead/<daemon>.toml`, then \
         `/etc/bulkhead/<daemon>.d/*.toml` in order of name; a key in a later file wins. A key that is unknown is an error that names it. \
         `bulkheadctl check-config` checks all files. The packages bring the same as man pages: `man bulkhead-api`.\n"
    );
    for Configuration { daemon, purpose, tables, keys } in all {
        writeln!(text, "\n## {daemon}\n\n{}.", capitalised(purpose))?;
        for (table, said) in tables.iter().filter(|(_, said)| !said.is_empty()) {
            writeln!(text, "\n`[{table}]`: {said}")?;
        }
        writeln!(text, "\n| key | default | |\n|---|---|---|")?;
        for Key { name, value, text: says } in keys {
            writeln!(text, "| `{name}` | `{value}` | {} |", says.replace('|', "\\|"))?;
        }
    }
    Ok(text)
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn daemon_page(Configuration { daemon, purpose, tables, keys }: &Configuration) -> String {
    let name = format!("bulkhead-{daemon}");
    let mut page = Roff::default();
    page.control("TH", [name.as_str(), "8", "", &format!("Bulkhead {}", env!("CARGO_PKG_VERSION")), "Bulkhead"]);
    page.control("SH", ["NAME"]);
    page.text([roman(format!("{name} - {purpose}"))]);
    page.control("SH", ["SYNOPSIS"]);
    page.text([bold(name.as_str()), roman(" [--check-config]")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([roman(
        "A daemon of Bulkhead. systemd starts it with its sockets and credentials; it has no use on its own. With --check-config it reads its \
         configuration, says what is wrong with it, and ends.",
    )]);
    page.control("SH", ["CONFIGURATION"]);
    page.text([roman(format!(
        "Keys of /etc/bulkhead/{daemon}.toml and of /etc/bulkhead/{daemon}.d/*.toml, each with its default. Files are read in order of name, and \
         a key in a later file wins."
    ))]);
    for (table, said) in tables.iter().filter(|(_, said)| !said.is_empty()) {
        page.control("TP", []);
        page.text([bold(format!("[{table}]"))]);
        page.text([roman(said.as_str())]);
    }
    for Key { name, value, text } in keys {
        page.control("TP", []);
        page.text([bold(name.as_str()), roman(format!(" = {value}"))]);
        page.text([roman(text.as_str())]);
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([bold("bulkheadctl"), roman("(1), "), bold("systemd.exec"), roman("(5)")]);
    page.to_roff()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# bulkhead-x: does things. Every key with its default.\n# Check with: y\n\n# Seconds,\n# 1 to 5.\n# wait-s = 1\n\n\
        # Two of a kind.\n# a = \"1\"\n# b = 2\n\n# The database.\n# [database]\n# Its port.\n# port = 5432\n# name = \"z\"\n";

    #[test]
    fn keys_have_the_text_above_them_and_the_name_of_their_table() {
        let Configuration { purpose, tables, keys, .. } = parse("x", FILE).expect("parses");
        assert_eq!(purpose, "does things");
        assert_eq!(tables, [("database".to_owned(), "The database.".to_owned())]);
        let key =
            |name: &str, value: &str, text: &str| Key { name: name.into(), value: value.into(), text: text.into() };
        let expected = [
            key("wait-s", "1", "Seconds, 1 to 5."),
            key("a", "\"1\"", "Two of a kind."),
            key("b", "2", "Two of a kind."),
            key("database.port", "5432", "Its port."),
            key("database.name", "\"z\"", ""),
        ];
        assert_eq!(keys, expected);
    }

    #[test]
    fn text_without_a_key_is_a_fault_of_the_file() {
        assert!(parse("x", "# bulkhead-x: y.\n\n# a = 1\n\n# Lost.\n").is_err());
        assert!(parse("x", "# something else\n\n# a = 1\n").is_err());
    }

    #[test]
    fn every_shipped_file_is_read_and_every_key_is_valid_toml() {
        for Configuration { daemon, keys, .. } in configurations(&paths::repository()).expect("read") {
            for Key { name, value, .. } in keys {
                let line = format!("{} = {value}", name.rsplit('.').next().unwrap_or_default());
                assert!(line.parse::<toml::Table>().is_ok(), "{daemon}: {line}");
            }
        }
    }

    #[test]
    fn the_reference_is_what_the_sources_say() {
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            generate().expect("written");
        }
        check().expect("no drift");
    }

    #[test]
    fn each_command_and_each_daemon_has_a_man_page() {
        let folder = tempfile::tempdir().expect("a directory");
        man_pages(folder.path()).expect("written");
        for name in ["bulkheadctl.1", "bulkheadctl-backup.1", "bulkheadctl-backup-verify.1", "bulkhead-api.8"] {
            let text = std::fs::read_to_string(folder.path().join(name)).expect(name);
            assert!(text.contains(".SH NAME"), "{name}");
        }
        let names = std::fs::read_dir(folder.path()).expect("listed").map(|entry| entry.expect("one").file_name());
        assert!(names.into_iter().all(|name| !name.to_string_lossy().contains("help")));
    }
}
