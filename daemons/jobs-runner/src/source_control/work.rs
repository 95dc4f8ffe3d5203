//! The four kinds of jobs: fetch, pull, commit, and the list of branches.

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_model::UserId;
use bulkhead_model::source_control::{MAX_MESSAGE, is_branch};
use bulkhead_store::Database;
use bulkhead_store::audit::AuditRecord;
use bulkhead_store::source_control::{ClaimedJob, SourceControl};
use bulkhead_store::source_documents::{LocalDocument, Synchronised, UpstreamDocument, Written};
use bulkhead_tree::{Document, Files, Key, Kind, Standing, canonical, digest, documents};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::fault::JobError;
use super::git::{NewCommit, Repository};

/// One job with all that it needs.
pub(crate) struct Work<'a> {
    pub(crate) database: &'a Database,
    pub(crate) repository: Repository<'a>,
    pub(crate) connection: SourceControl,
    pub(crate) job: &'a ClaimedJob,
}

/// Whose document counts where both sides have changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Choice {
    Mine,
    Theirs,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PullRequest {
    #[serde(default)]
    choices: BTreeMap<Key, Choice>,
    /// The commit that the choices were made at.
    #[serde(default)]
    head: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommitRequest {
    message: String,
    documents: BTreeSet<Key>,
    #[serde(default)]
    new_branch: Option<String>,
}

/// What is here, with its files.
struct Here {
    local: LocalDocument,
    files: Files,
    digest: String,
}

/// Both sides, as of now.
struct Sides {
    head: Option<String>,
    branches: Vec<(String, String)>,
    here: BTreeMap<Key, Here>,
    there: BTreeMap<Key, UpstreamDocument>,
}

impl Sides {
    fn standing(&self, key: &Key) -> Standing {
        let here = self.here.get(key).map(|here| here.digest.as_str());
        let there = self.there.get(key);
        let (base, upstream) =
            (there.and_then(|one| one.base.as_deref()), there.and_then(|one| one.upstream.as_deref()));
        Standing::of(here, base, upstream)
    }

    fn keys(&self) -> BTreeSet<Key> {
        self.here.keys().chain(self.there.keys()).cloned().collect()
    }
}

impl Work<'_> {
    pub(crate) async fn run(self) -> Result<Value, JobError> {
        match self.job.kind.as_str() {
            "branches" => {
                let names: Vec<String> = self.repository.branches().await?.into_iter().map(|(name, _)| name).collect();
                Ok(json!({ "branches": names }))
            }
            "fetch" => {
                let sides = self.fetch().await?;
                Ok(json!({ "head": sides.head, "documents": sides.there.len() }))
            }
            "pull" => self.pull().await,
            "commit" => self.commit().await,
            other => Err(JobError::new("malformed", format!("there is no work called `{other}`"))),
        }
    }

    fn request<T: DeserializeOwned>(&self) -> Result<T, JobError> {
        serde_json::from_value(self.job.request.clone()).map_err(|error| JobError::new("malformed", error.to_string()))
    }

    async fn says(&self, progress: &str) -> Result<(), JobError> {
        Ok(self.database.source_control_progress(self.job.id, progress).await?)
    }

    /// Reads the branch, stores what it has, and reads what is here.
    async fn fetch(&self) -> Result<Sides, JobError> {
        let branch = &self.connection.config.branch;
        let branches = self.repository.branches().await?;
        let mut head = None;
        let mut fetched = BTreeMap::new();
        if branches.iter().any(|(name, _)| name == branch) {
            self.says("fetching").await?;
            let commit = self.repository.fetch(branch).await?;
            let files = self.repository.files(&commit).await?;
            fetched = tokio::task::spawn_blocking(move || read_all(files)).await.map_err(panicked)??;
            head = Some(commit);
        } else if !branches.is_empty() {
            let known = branches.iter().take(10).map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let message = format!("the repository has no branch `{branch}`: choose another one, it has {known}");
            return Err(JobError::new("branch-missing", message));
        }
        let stored = self.database.store_fetched(self.connection.id, head.as_deref(), &fetched).await?;
        if !stored {
            return Err(JobError::new("connection-changed", "another repository was connected meanwhile: start again"));
        }
        let there = self.database.upstream_documents().await?;
        let local = self.database.local_documents().await?;
        let here =
            tokio::task::spawn_blocking(move || local.into_iter().map(here).collect()).await.map_err(panicked)?;
        Ok(Sides { head, branches, here, there })
    }

    async fn pull(&self) -> Result<Value, JobError> {
        let PullRequest { choices, head: seen } = self.request()?;
        let sides = self.fetch().await?;
        if !choices.is_empty() && seen.as_deref() != sides.head.as_deref() {
            let message = "the repository has moved on since you chose: look at the changes again, then choose";
            return Err(JobError::new("moved", message));
        }
        let (mut taken, mut synchronised) = (Vec::new(), Synchronised::default());
        let (mut conflicts, mut kept) = (Vec::new(), Vec::new());
        for key in sides.keys() {
            let upstream = sides.there.get(&key).and_then(|there| there.upstream.clone());
            match (sides.standing(&key), choices.get(&key)) {
                (standing, _) if standing.is_taken_by_a_pull() => taken.push(key),
                (Standing::Conflict, Some(Choice::Theirs)) => taken.push(key),
                (Standing::Conflict, Some(Choice::Mine)) => {
                    synchronised.bases.insert(key.clone(), upstream);
                    kept.push(key);
                }
                (Standing::Conflict, None) => conflicts.push(key),
                (Standing::Same | Standing::DeletedThere, _) => {
                    synchronised.bases.insert(key, upstream);
                }
                _ => {}
            }
        }
        if !conflicts.is_empty() {
            let message = format!(
                "{} documents were changed here and in the repository: choose for each, nothing was applied",
                conflicts.len()
            );
            return Err(JobError::new("conflicts", message).with(json!({ "conflicts": conflicts, "head": sides.head })));
        }
        for key in &taken {
            let document = document(key, &sides.there[key])?;
            let replaced = sides.here.get(key).map(|here| (here.local.id, here.local.revision));
            synchronised.bases.insert(key.clone(), sides.there[key].upstream.clone());
            let object = replaced.map(|(id, _)| (word(key.kind), id));
            synchronised.records.push(self.record(
                "source-control.pull",
                object,
                json!({ "document": key, "commit": sides.head }),
            ));
            synchronised.write.push(Written { key: key.clone(), replaces: replaced, document });
        }
        self.says("applying").await?;
        self.database.synchronise(self.by(), &synchronised).await?;
        Ok(json!({ "head": sides.head, "applied": taken, "kept": kept }))
    }

    async fn commit(&self) -> Result<Value, JobError> {
        let CommitRequest { message, documents, new_branch } = self.request()?;
        if message.trim().is_empty() || message.chars().count() > MAX_MESSAGE {
            return Err(JobError::new("malformed", format!("a commit has a message of 1 to {MAX_MESSAGE} characters")));
        }
        if new_branch.as_deref().is_some_and(|name| !is_branch(name)) {
            return Err(JobError::new(
                "malformed",
                "this is no name of a branch: use letters, digits, `.`, `_`, `-` and `/`",
            ));
        }
        let sides = self.fetch().await?;
        let is_taken = |name: &String| sides.branches.iter().any(|(branch, _)| branch == name);
        if let Some(name) = new_branch.as_ref().filter(|name| is_taken(name)) {
            return Err(JobError::new(
                "branch-exists",
                format!("the repository has a branch `{name}` already: choose another name"),
            ));
        }
        let behind: Vec<&Key> = documents
            .iter()
            .filter(|key| !matches!(sides.standing(key), standing if standing.may_be_committed() || standing == Standing::Same))
            .collect();
        if !behind.is_empty() {
            let message = "some of these documents were changed in the repository: pull, then commit again";
            return Err(JobError::new("pull-first", message).with(json!({ "documents": behind })));
        }
        let chosen: Vec<&Key> = documents.iter().filter(|key| sides.standing(key).may_be_committed()).collect();
        let here = |key: &Key| sides.here.get(key);
        let whole = |(key, here): (&Key, &Here)| {
            let key = key.to_string();
            here.files
                .clone()
                .into_iter()
                .map(move |(path, bytes)| (format!("{key}/{path}"), bytes))
                .collect::<Vec<_>>()
        };
        let files: Files = chosen.iter().filter_map(|key| Some((*key, here(key)?))).flat_map(whole).collect();
        require_harmless(&files)?;
        self.says("committing").await?;
        let (name, email) =
            self.job.by.as_ref().map_or(("Bulkhead", "bulkhead@localhost"), |(_, name, email)| (name, email));
        let commit = NewCommit {
            parent: sides.head.as_deref(),
            author: (name, email),
            time: now(),
            message: message.trim(),
            removed: chosen.iter().map(ToString::to_string).collect(),
            files,
        };
        let branch = new_branch.as_deref().unwrap_or(&self.connection.config.branch);
        let Some(made) = self.repository.commit(&commit).await? else {
            return Err(JobError::new(
                "nothing",
                "the repository has these documents as they are: there is nothing to commit",
            ));
        };
        self.says("pushing").await?;
        let expected = if new_branch.is_some() { None } else { sides.head.as_deref() };
        self.repository.push(&made, branch, expected).await?;
        let detail = json!({ "commit": made, "branch": branch, "documents": chosen });
        let mut synchronised = Synchronised::default();
        synchronised.records.push(self.record("source-control.commit", None, detail.clone()));
        if new_branch.is_none() {
            self.store_committed(&sides, &chosen, &made).await?;
            synchronised
                .bases
                .extend(chosen.iter().map(|key| ((*key).clone(), here(key).map(|here| here.digest.clone()))));
        }
        self.database.synchronise(self.by(), &synchronised).await?;
        Ok(detail)
    }

    /// The branch has what was committed: no need to fetch it for that.
    async fn store_committed(&self, sides: &Sides, chosen: &[&Key], head: &str) -> Result<(), JobError> {
        let mut there = sides.there.clone();
        for key in chosen {
            match sides.here.get(*key) {
                Some(here) => {
                    let base = there.get(*key).and_then(|there| there.base.clone());
                    let files = Some(texts(&here.files));
                    let upstream = UpstreamDocument { base, upstream: Some(here.digest.clone()), files, fault: None };
                    there.insert((*key).clone(), upstream);
                }
                None => {
                    there.remove(*key);
                }
            }
        }
        there.retain(|_, document| document.upstream.is_some());
        self.database.store_fetched(self.connection.id, Some(head), &there).await?;
        Ok(())
    }

    fn by(&self) -> Option<UserId> {
        self.job.by.as_ref().map(|(id, ..)| *id)
    }

    fn record(&self, action: &'static str, object: Option<(&'static str, uuid::Uuid)>, detail: Value) -> AuditRecord {
        AuditRecord {
            user: self.by(),
            actor: self.job.by.as_ref().map_or_else(|| "system".to_owned(), |(_, _, email)| email.clone()),
            action,
            object,
            detail,
            request_id: self.job.id.to_string(),
            address: None,
        }
    }
}

/// What is committed must be what a pull would take.
fn require_harmless(files: &Files) -> Result<(), JobError> {
    let entry = |(path, bytes): (&String, &Vec<u8>)| bulkhead_tree::Entry {
        kind: bulkhead_tree::EntryKind::File,
        path: path.clone().into_bytes(),
        bytes: bytes.len() as u64,
    };
    bulkhead_tree::check_entries(&files.iter().map(entry).collect::<Vec<_>>())?;
    Ok(())
}

/// What the documents of a tree are. One that is none is kept with its fault: it stops a pull that would take it, and no other.
fn read_all(files: Files) -> Result<BTreeMap<Key, UpstreamDocument>, JobError> {
    let read = |(key, files): (Key, Files)| {
        let document = match canonical(&key, &files) {
            Ok(files) => {
                UpstreamDocument { base: None, upstream: Some(digest(&files)), files: Some(texts(&files)), fault: None }
            }
            Err(error) => UpstreamDocument {
                base: None,
                upstream: Some(digest(&files)),
                files: None,
                fault: Some(error.to_string()),
            },
        };
        (key, document)
    };
    Ok(documents(files)?.into_iter().map(read).collect())
}

fn texts(files: &Files) -> BTreeMap<String, String> {
    files.iter().map(|(path, bytes)| (path.clone(), String::from_utf8_lossy(bytes).into_owned())).collect()
}

fn document(key: &Key, there: &UpstreamDocument) -> Result<Document, JobError> {
    let Some(files) = &there.files else {
        let fault = there.fault.as_deref().unwrap_or("its files are missing");
        return Err(JobError::new(
            "document-invalid",
            format!("{key}: {fault}: correct it in the repository; nothing was applied"),
        ));
    };
    let files = files.iter().map(|(path, text)| (path.clone(), text.clone().into_bytes())).collect();
    Document::read(key, &files).map_err(|error| JobError::new("document-invalid", format!("{key}: {error}")))
}

fn here((key, local): (Key, LocalDocument)) -> (Key, Here) {
    let files = local.document.files();
    let digest = digest(&files);
    (key, Here { local, files, digest })
}

/// The word of the audit trail.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::App => "app",
        Kind::Query => "query",
        Kind::Resource => "resource",
        Kind::Workflow => "workflow",
    }
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}

fn panicked(_: tokio::task::JoinError) -> JobError {
    JobError::new("internal", "the documents were not read: look at the log of jobs-runner")
}
