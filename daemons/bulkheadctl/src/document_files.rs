//! A document as a folder of files, as Source Control keeps it: `export --to`, and `import` of a folder.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use bulkhead_tree::{Document, Entry, EntryKind, Files, Key, Kind, check_entries};
use serde_json::Value;

/// Writes a draft into a folder, which is made or empty, or holds an earlier export of the same kind of document.
pub(crate) fn write(kind: Kind, slug: &str, draft: Value, folder: &Path) -> Result<usize> {
    let key = Key { kind, slug: slug.parse()? };
    let document = match kind {
        Kind::Workflow => Document::Workflow(serde_json::from_value(draft).context("read the workflow")?),
        _ => Document::App(serde_json::from_value(draft).context("read the app")?),
    };
    let before = if folder.exists() { files_of(folder)? } else { Files::new() };
    if !before.is_empty() {
        let is_export = Document::read(&key, &before);
        is_export.with_context(|| format!("{} holds something else: name a folder that is empty", folder.display()))?;
    }
    let files = document.files();
    for path in before.keys().filter(|path| !files.contains_key(*path)) {
        fs::remove_file(folder.join(path)).with_context(|| format!("remove {path}"))?;
    }
    for (path, bytes) in &files {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().unwrap_or(folder)).with_context(|| format!("make the folder of {path}"))?;
        fs::write(&file, bytes).with_context(|| format!("write {}", file.display()))?;
    }
    Ok(files.len())
}

/// The document in a folder.
pub(crate) fn read(kind: Kind, slug: &str, folder: &Path) -> Result<Value> {
    let key = Key { kind, slug: slug.parse()? };
    Ok(match Document::read(&key, &files_of(folder)?)? {
        Document::App(app) => serde_json::to_value(app)?,
        Document::Workflow(workflow) => serde_json::to_value(workflow)?,
        _ => bail!("{} holds neither an app nor a workflow", folder.display()),
    })
}

/// The files below a folder, held to the same rules as a tree of git.
fn files_of(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    collect(folder, "", &mut files)?;
    let entry = |(path, bytes): (&String, &Vec<u8>)| Entry {
        kind: EntryKind::File,
        path: format!("apps/{path}").into_bytes(),
        bytes: bytes.len() as u64,
    };
    check_entries(&files.iter().map(entry).collect::<Vec<_>>())?;
    Ok(files)
}

fn collect(folder: &Path, prefix: &str, files: &mut Files) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().context("a file has a name that is not UTF-8")?;
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let kind = entry.file_type()?;
        ensure!(files.len() <= bulkhead_tree::MAX_ENTRIES, "{} holds too many files", folder.display());
        if kind.is_dir() {
            ensure!(path.split('/').count() < 16, "{path} stands in too many folders");
            collect(&entry.path(), &path, files)?;
        } else if kind.is_file() && entry.metadata()?.len() <= bulkhead_tree::MAX_FILE_BYTES {
            files.insert(path, fs::read(entry.path()).with_context(|| format!("read {}", entry.path().display()))?);
        } else {
            bail!("{} is a link, no plain file, or too large", entry.path().display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bulkhead_model::app::AppDocument;

    use super::*;

    #[test]
    fn an_export_is_imported_as_it_was_and_exported_as_the_same_bytes() {
        let directory = tempfile::tempdir().expect("a directory");
        let folder = directory.path().join("refunds");
        let draft = serde_json::to_value(AppDocument::empty("Refunds")).expect("JSON");
        assert_eq!(write(Kind::App, "refunds", draft.clone(), &folder).expect("written"), 2);
        assert_eq!(read(Kind::App, "refunds", &folder).expect("read"), draft);
        let before = files_of(&folder).expect("files");
        write(Kind::App, "refunds", draft.clone(), &folder).expect("written again");
        assert_eq!(files_of(&folder).expect("files"), before);

        fs::write(folder.join("notes.txt"), "mine").expect("written");
        let error = format!("{:#}", write(Kind::App, "refunds", draft, &folder).expect_err("refused"));
        assert!(error.contains("holds something else") && error.contains("notes.txt"), "{error}");
    }

    #[test]
    fn a_link_in_a_folder_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        std::os::unix::fs::symlink("/etc/passwd", directory.path().join("app.yaml")).expect("a link");
        let error = read(Kind::App, "refunds", directory.path()).expect_err("refused").to_string();
        assert!(error.contains("is a link"), "{error}");
    }
}
