//! Against a real git repository behind a real sshd: connect, commit, change it there, pull, conflict, choose.

#[path = "../../../ssh-connector/tests/tunnels/sshd.rs"]
#[allow(dead_code, reason = "ssh-connector's own tests use the rest")]
mod sshd;

use std::path::{Path, PathBuf};
use std::process::Command;

use bulkhead_model::app::AppDocument;
use bulkhead_model::library_query::LibraryQuery;
use bulkhead_model::source_control::{SourceControlConfig, SourceControlSecret};
use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_model::{AppId, UserId};
use bulkhead_store::source_control::SourceControlJob;
use bulkhead_store::test_support::migrated;
use bulkhead_test_kit::TestDatabase;
use bulkhead_tree::{Key, Standing};
use serde_json::json;
use sshd::Sshd;
use uuid::Uuid;

use super::*;

/// Stands in the secret of a resource, which must be found nowhere.
const CANARY: &str = "canary-7f3a9c";

struct Bench {
    sshd: Sshd,
    folder: tempfile::TempDir,
    test: TestDatabase,
    database: Database,
    user: UserId,
    key: SealPrivateKey,
    work: SourceControl,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let sshd = Sshd::start("");
        git(folder.path(), &["init", "--bare", "--quiet", "--initial-branch=main", "remote.git"]);
        let (test, database) = migrated().await;
        let user = UserId::new();
        let sql =
            format!("INSERT INTO users (id, email, name) VALUES ('{}', 'ada@example.test', 'Ada <Lovelace>')", user.0);
        test.connect().await.batch_execute(&sql).await.expect("a user");
        let key = SealPrivateKey::generate();
        let folders = Folders { work: folder.path().join("work"), runtime: folder.path().join("run") };
        let ours = SealPrivateKey::from_text(&key.to_text()).expect("a key");
        let work = SourceControl::new(database.clone(), Some(ours), NetworkPolicy::default().and_loopback(), folders);
        let bench = Self { sshd, folder, test, database, user, key, work };
        bench.connect(&bench.sshd.client_key(), &bench.sshd.host_key()).await;
        bench
    }

    fn remote(&self) -> PathBuf {
        self.folder.path().join("remote.git")
    }

    async fn connect(&self, private_key: &str, host_key: &str) {
        let id = Uuid::now_v7();
        let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).expect("looked up").expect("exists").name;
        let url = format!("ssh://{user}@127.0.0.1:{}{}", self.sshd.port, self.remote().display());
        let host_key = host_key.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        let config = SourceControlConfig { url, branch: "main".to_owned(), host_key: Some(host_key) };
        assert_eq!(config.validate(), Vec::new());
        let secret = SourceControlSecret::Key { private_key: private_key.to_owned() };
        let row = id.to_string();
        let place = Place { table: "source_control", row: &row, field: "sealed" };
        let sealed = self.key.public_key().seal(&place, &serde_json::to_vec(&secret).expect("JSON")).expect("sealed");
        self.database.connect_source_control(id, &config, Some(&sealed)).await.expect("connected");
    }

    async fn job(&self, kind: &str, request: Value) -> SourceControlJob {
        let id = self.database.request_source_control_job(kind, &request, Some(self.user)).await.expect("asked");
        assert!(self.work.next().await.expect("works"));
        self.database.source_control_job(id).await.expect("read")
    }

    async fn done(&self, kind: &str, request: Value) -> Value {
        let job = self.job(kind, request).await;
        assert_eq!(job.status, "done", "{:?}", job.error);
        job.result.expect("a result")
    }

    async fn fails(&self, kind: &str, request: Value) -> (String, String, Value) {
        let job = self.job(kind, request).await;
        assert_eq!(job.status, "failed", "{:?}", job.result);
        let (code, message) = job.error.expect("an error");
        (code, message, job.result.expect("a detail"))
    }

    async fn app(&self, slug: &str, title: &str) -> AppId {
        self.database.create_app(slug, &AppDocument::empty(title), Some(self.user)).await.expect("an app")
    }

    async fn retitle(&self, app: AppId, title: &str) {
        let draft = self.database.app_draft(app).await.expect("a draft");
        let document = AppDocument { title: title.to_owned(), ..draft.document };
        self.database.save_app_draft(app, draft.revision, &document).await.expect("saved");
    }

    async fn title(&self, app: AppId) -> String {
        self.database.app_draft(app).await.expect("a draft").document.title
    }

    async fn standing(&self, key: &str) -> Standing {
        let key = Key::try_from(key.to_owned()).expect("a key");
        let here = self.database.local_documents().await.expect("read");
        let here = here.get(&key).map(|here| bulkhead_tree::digest(&here.document.files()));
        let there = self.database.upstream_documents().await.expect("read").remove(&key);
        let (base, upstream) = there.map_or((None, None), |there| (there.base, there.upstream));
        Standing::of(here.as_deref(), base.as_deref(), upstream.as_deref())
    }

    /// A person's clone.
    fn clone_of(&self, name: &str) -> PathBuf {
        git(self.folder.path(), &["clone", "--quiet", "remote.git", name]);
        self.folder.path().join(name)
    }
}

/// Runs git as a person does.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let config = ["-c", "user.name=Bea", "-c", "user.email=bea@example.test", "-c", "protocol.file.allow=always"];
    let output = Command::new("git").current_dir(folder).args(config).args(arguments).output().expect("git");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn push(clone: &Path) {
    git(clone, &["add", "--all"]);
    git(clone, &["commit", "--quiet", "--message=by hand"]);
    git(clone, &["push", "--quiet"]);
}

fn replace(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).expect("read");
    assert!(text.contains(from), "{text}");
    std::fs::write(file, text.replace(from, to)).expect("written");
}

#[tokio::test]
async fn documents_are_committed_changed_there_pulled_and_chosen() {
    let bench = Bench::new().await;
    let (refunds, stock) = (bench.app("refunds", "Refunds").await, bench.app("stock", "Stock").await);
    let workflow = WorkflowDocument::starter("Nightly sync");
    bench.database.create_workflow("nightly-sync", &workflow, Some(bench.user)).await.expect("a workflow");
    let query: LibraryQuery = serde_json::from_value(json!({
        "format": 1, "title": "Customer", "query": { "resource": "shop", "statement": "select 1" },
    }))
    .expect("a query");
    bench.database.create_library_query("customer", &query, Some(bench.user)).await.expect("a query");
    let config = serde_json::from_value(
        json!({ "kind": "postgresql", "host": "db.internal", "port": 5432, "database": "shop", "user": "app" }),
    );
    bench
        .database
        .create_resource(bulkhead_model::ResourceId::new(), "shop", &config.expect("settings"), Some(CANARY), false)
        .await
        .expect("a resource");

    assert_eq!(bench.done("branches", json!({})).await, json!({ "branches": [] }));
    let all = ["apps/refunds", "apps/stock", "library/customer", "resources/shop", "workflows/nightly-sync"];
    let committed = bench.done("commit", json!({ "message": "All of it\n\nas it is", "documents": all })).await;
    for key in all {
        assert_eq!(bench.standing(key).await, Standing::Same, "{key}");
    }
    let clone = bench.clone_of("clone");
    assert_eq!(git(&clone, &["rev-parse", "HEAD"]).trim(), committed["commit"]);
    assert_eq!(git(&clone, &["log", "-1", "--format=%an|%ae|%s"]).trim(), "Ada Lovelace|ada@example.test|All of it");
    assert_eq!(
        std::fs::read_to_string(clone.join("apps/refunds/app.yaml")).expect("read"),
        "format: 1\ntitle: Refunds\nhome-page: home\n"
    );
    let (code, ..) = bench.fails("commit", json!({ "message": "again", "documents": all })).await;
    assert_eq!(code, "nothing");

    // Changed there alone: a pull takes it. Changed here alone: it stays.
    replace(&clone.join("apps/refunds/app.yaml"), "Refunds", "Refunds of all");
    std::fs::create_dir_all(clone.join("apps/fresh/pages")).expect("made");
    std::fs::write(clone.join("apps/fresh/app.yaml"), "# by hand\ntitle: \"Fresh\"\nformat: 1\nhome-page: home\n")
        .expect("written");
    std::fs::write(clone.join("apps/fresh/pages/home.page.yaml"), "{}\n").expect("written");
    std::fs::write(clone.join("README.md"), "Ours.\n").expect("written");
    push(&clone);
    bench.retitle(stock, "Stock of today").await;
    let (code, _, detail) =
        bench.fails("commit", json!({ "message": "x", "documents": ["apps/refunds", "apps/stock"] })).await;
    assert_eq!((code.as_str(), &detail["documents"]), ("pull-first", &json!(["apps/refunds"])));
    assert_eq!(bench.standing("apps/refunds").await, Standing::ChangedThere);
    let pulled = bench.done("pull", json!({})).await;
    assert_eq!(pulled["applied"], json!(["apps/fresh", "apps/refunds"]));
    assert_eq!(
        (bench.title(refunds).await.as_str(), bench.title(stock).await.as_str()),
        ("Refunds of all", "Stock of today")
    );
    assert_eq!(bench.standing("apps/stock").await, Standing::ChangedHere);
    assert_eq!(bench.standing("apps/fresh").await, Standing::Same, "canonical or not, it says the same");

    // Changed on both sides: nothing is applied until a person has chosen, for what they saw.
    replace(&clone.join("apps/stock/app.yaml"), "Stock", "Stock of there");
    replace(&clone.join("apps/refunds/app.yaml"), "of all", "of nobody");
    push(&clone);
    let (code, message, detail) = bench.fails("pull", json!({})).await;
    assert_eq!((code.as_str(), &detail["conflicts"]), ("conflicts", &json!(["apps/stock"])), "{message}");
    assert_eq!(bench.title(refunds).await, "Refunds of all", "nothing was applied");
    let choices = json!({ "choices": { "apps/stock": "mine" }, "head": committed["commit"] });
    assert_eq!(bench.fails("pull", choices).await.0, "moved");
    let pulled = bench.done("pull", json!({ "choices": { "apps/stock": "mine" }, "head": detail["head"] })).await;
    assert_eq!((&pulled["applied"], &pulled["kept"]), (&json!(["apps/refunds"]), &json!(["apps/stock"])));
    assert_eq!(bench.title(stock).await, "Stock of today");
    assert_eq!(bench.standing("apps/stock").await, Standing::ChangedHere);

    // To a branch of its own: the connection stays where it is.
    let request = json!({ "message": "Mine", "documents": ["apps/stock"], "new_branch": "review/stock" });
    bench.done("commit", request.clone()).await;
    assert_eq!(bench.fails("commit", request).await.0, "branch-exists");
    assert_eq!(bench.standing("apps/stock").await, Standing::ChangedHere);
    assert_eq!(bench.done("branches", json!({})).await["branches"], json!(["main", "review/stock"]));
    bench.done("commit", json!({ "message": "Mine", "documents": ["apps/stock"] })).await;
    git(&clone, &["pull", "--quiet"]);
    assert!(clone.join("README.md").exists(), "what belongs to others stays");

    // A deletion is committed; one there deletes nothing here.
    bench.database.delete_app(stock).await.expect("deleted");
    git(&clone, &["rm", "-r", "--quiet", "apps/fresh"]);
    push(&clone);
    bench.done("fetch", json!({})).await;
    assert_eq!(
        (bench.standing("apps/stock").await, bench.standing("apps/fresh").await),
        (Standing::DeletedHere, Standing::DeletedThere)
    );
    bench.done("commit", json!({ "message": "Gone", "documents": ["apps/stock"] })).await;
    bench.done("pull", json!({})).await;
    assert_eq!(
        (bench.standing("apps/stock").await, bench.standing("apps/fresh").await),
        (Standing::Same, Standing::OnlyHere)
    );
    git(&clone, &["pull", "--quiet"]);
    assert!(!clone.join("apps/stock").exists());

    // The secret is in no file of the tree, no job and no record; nothing of the work is left behind.
    let bytes = git(&clone, &["log", "--all", "--patch"]);
    let client = bench.test.connect().await;
    let sql = "SELECT string_agg(j::text, '') FROM source_control_jobs j UNION ALL SELECT string_agg(d::text, '') FROM source_control_documents d
        UNION ALL SELECT string_agg(a::text, '') FROM audit_log a";
    let rows = client.query(sql, &[]).await.expect("read");
    let stored: String = rows.iter().map(|row| row.get::<_, Option<String>>(0).unwrap_or_default()).collect();
    let private = bench.sshd.client_key();
    let private = private.lines().nth(1).expect("a line of the key");
    for text in [&bytes, &stored] {
        assert!(!text.contains(CANARY) && !text.contains(private));
    }
    assert!(stored.contains("source-control.commit") && stored.contains("source-control.pull"));
    for folder in ["work", "run"] {
        assert_eq!(std::fs::read_dir(bench.folder.path().join(folder)).expect("a folder").count(), 0, "{folder}");
    }
}

#[tokio::test]
async fn a_resource_that_moves_loses_its_secret() {
    let bench = Bench::new().await;
    let config = serde_json::from_value(
        json!({ "kind": "postgresql", "host": "db.internal", "port": 5432, "database": "shop", "user": "app" }),
    );
    let id = bulkhead_model::ResourceId::new();
    bench
        .database
        .create_resource(id, "shop", &config.expect("settings"), Some(CANARY), false)
        .await
        .expect("a resource");
    bench.done("commit", json!({ "message": "x", "documents": ["resources/shop"] })).await;
    let clone = bench.clone_of("clone");
    let file = clone.join("resources/shop/resource.yaml");
    let secret = async || {
        bench
            .test
            .connect()
            .await
            .query_one("SELECT sealed_secret FROM resources WHERE name = 'shop'", &[])
            .await
            .expect("read")
            .get::<_, Option<String>>(0)
    };
    replace(&file, "user: app", "user: other");
    push(&clone);
    bench.done("pull", json!({})).await;
    assert_eq!(secret().await.as_deref(), Some(CANARY));
    replace(&file, "db.internal", "db.evil");
    push(&clone);
    bench.done("pull", json!({})).await;
    assert_eq!(secret().await, None);
    replace(&file, "format: 1\n", "format: 1\nenvironments:\n  nowhere:\n    kind: sqlite\n    path: /srv/x.db\n");
    push(&clone);
    let (code, message, _) = bench.fails("pull", json!({})).await;
    assert_eq!(code, "document-refused");
    assert!(message.contains("there is no environment `nowhere` here"), "{message}");
}

#[tokio::test]
async fn a_server_that_shows_another_key_is_refused_with_both_fingerprints() {
    let bench = Bench::new().await;
    let (_, stranger) = bench.sshd.stranger();
    bench.connect(&bench.sshd.client_key(), &stranger).await;
    let (code, message, _) = bench.fails("fetch", json!({})).await;
    assert_eq!(code, "host-key", "{message}");
    for key in ["host.pub", "stranger.pub"] {
        assert!(message.contains(&bench.sshd.fingerprint(key)), "{key}: {message}");
    }
    bench.connect(&bench.sshd.stranger().0, &bench.sshd.host_key()).await;
    assert_eq!(bench.fails("fetch", json!({})).await.0, "log-in");
    bench
        .connect(
            "-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n-----END OPENSSH PRIVATE KEY-----",
            &bench.sshd.host_key(),
        )
        .await;
    let (code, message, _) = bench.fails("fetch", json!({})).await;
    assert_eq!(code, "secret", "{message}");
}

#[tokio::test]
async fn loopback_is_refused_unless_it_is_allowed() {
    let mut bench = Bench::new().await;
    bench.work.network = NetworkPolicy::default();
    let (code, message, _) = bench.fails("fetch", json!({})).await;
    assert_eq!(code, "unreachable");
    assert!(message.contains("allow-networks"), "{message}");
}

#[tokio::test]
async fn hostile_trees_are_refused_and_nothing_in_them_runs() {
    let bench = Bench::new().await;
    let app = bench.app("refunds", "Refunds").await;
    bench.done("commit", json!({ "message": "x", "documents": ["apps/refunds"] })).await;
    let remote = bench.remote();
    let base = git(&remote, &["rev-parse", "main"]).trim().to_owned();
    let trap = bench.folder.path().join("trap");
    let blob = |text: &str| {
        let file = bench.folder.path().join("blob");
        std::fs::write(&file, text).expect("written");
        git(&remote, &["hash-object", "-w", file.to_str().expect("UTF-8")]).trim().to_owned()
    };
    let text = blob("format: 1\n");
    let entries = [
        (format!("120000 {text}\tapps/refunds/link"), "symbolic link"),
        (format!("160000 {base}\tapps/refunds/module"), "submodule"),
        (format!("100755 {text}\tapps/refunds/app.yaml"), "program"),
        (format!("100644 {text}\tapps/refunds/Pages/home.page.yaml"), ""),
        (format!("100644 {text}\tapps/stray"), "no part of a document"),
        (format!("100644 {text}\tx/.gitmodules/y"), ""),
    ];
    for (entry, reason) in &entries {
        git(&remote, &["update-ref", "refs/heads/main", &base]);
        let index = bench.folder.path().join("index");
        let _ = std::fs::remove_file(&index);
        let script = format!(
            "export GIT_INDEX_FILE={index}; git read-tree {base}; printf '%s\\n' \"$1\" | git update-index --index-info; \
             git -c user.name=x -c user.email=x@x commit-tree -p {base} -m x $(git write-tree) | xargs git update-ref refs/heads/main",
            index = index.display()
        );
        let made = Command::new("sh").current_dir(&remote).args(["-ec", &script, "sh", entry]).output().expect("sh");
        assert!(made.status.success(), "{entry}: {}", String::from_utf8_lossy(&made.stderr));
        let job = bench.job("pull", json!({})).await;
        let (_, message) = job.error.unwrap_or_else(|| panic!("{entry} was taken: {:?}", job.result));
        assert!(message.contains(reason), "{entry}: {message}");
        assert_eq!(bench.title(app).await, "Refunds");
    }
    // What git's own checks find in the objects is refused before it is read.
    git(&remote, &["update-ref", "refs/heads/main", &base]);
    let tree = |name: &str| {
        let entries = git(&remote, &["ls-tree", &base]);
        let file = bench.folder.path().join("tree");
        std::fs::write(&file, format!("{entries}100644 blob {text}\t{name}\n")).expect("written");
        let script = format!(
            "git mktree < {} | xargs git -c user.name=x -c user.email=x@x commit-tree -p {base} -m x | xargs git update-ref refs/heads/main",
            file.display()
        );
        let made = Command::new("sh").current_dir(&remote).args(["-ec", &script]).output().expect("sh");
        assert!(made.status.success(), "{name}: {}", String::from_utf8_lossy(&made.stderr));
    };
    for name in ["..", ".git", ".GIT", "git~1", ".g\u{200c}it"] {
        tree(name);
        let (code, message, _) = bench.fails("pull", json!({})).await;
        assert_eq!(code, "tree-refused", "{name}: {message}");
    }
    // Filters and hooks of a tree have nothing to act on: nothing is checked out.
    git(&remote, &["update-ref", "refs/heads/main", &base]);
    let clone = bench.clone_of("clone");
    std::fs::write(clone.join(".gitattributes"), "* filter=evil diff=evil\n").expect("written");
    std::fs::create_dir_all(clone.join("hooks")).expect("made");
    std::fs::write(clone.join("hooks/post-checkout"), format!("#!/bin/sh\ntouch {}\n", trap.display()))
        .expect("written");
    push(&clone);
    bench.done("pull", json!({})).await;
    assert!(!trap.exists());
}

#[tokio::test]
async fn work_that_was_interrupted_is_done_again() {
    let bench = Bench::new().await;
    let id = bench.database.request_source_control_job("branches", &json!({}), None).await.expect("asked");
    bench.database.claim_source_control_job().await.expect("claimed").expect("a job");
    assert!(!bench.work.next().await.expect("looks"));
    bench.database.reopen_source_control_jobs().await.expect("reopened");
    assert!(bench.work.next().await.expect("works"));
    assert_eq!(bench.database.source_control_job(id).await.expect("read").status, "done");
}
