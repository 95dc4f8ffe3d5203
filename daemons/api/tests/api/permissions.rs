//! The one table of routes and permissions: who gets where, proven for each route and each caller. A route without a row fails.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::kit::{Answer, Instance, Person, logged_in_again, with_token};
use Kind::*;
use Needs::*;
use Role::*;

/// What a route needs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Needs {
    /// Nothing.
    Open,
    /// A log-in whose password was right.
    Begun,
    /// Somebody known: by a session or a token.
    Person,
    /// Somebody in a session of their own.
    InSession,
    /// A role on what the path names.
    Own(Kind, Role),
    /// The role editor on the workflow of the run.
    Run,
    /// The role viewer on the app whose released query it is.
    Query,
    /// An administrator.
    Administrator,
    /// An administrator in a session.
    AdministratorInSession,
    /// Root on `api.sock`: to the network there is no such route.
    Root,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    App,
    Workflow,
    Resource,
    Library,
    Folder,
}

/// The ways to a role.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// Given to the person, on the thing.
    Direct,
    /// Given to a group of theirs, on the thing.
    ByGroup,
    /// Given to the person, on the folder around it.
    ByFolder,
    /// Given to a group of theirs, on the folder around it.
    ByGroupAndFolder,
}

const WAYS: [Way; 4] = [Way::Direct, Way::ByGroup, Way::ByFolder, Way::ByGroupAndFolder];
const ROLES: [&str; 3] = ["viewer", "editor", "admin"];

#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Role {
    Viewer,
    Editor,
    Admin,
}

#[rustfmt::skip]
const TABLE: &[(&str, Needs)] = &[
    ("GET /account/second-factor", Person),
    ("POST /account/second-factor", InSession),
    ("POST /account/second-factor/confirm", InSession),
    ("POST /account/second-factor/recovery-codes", InSession),
    ("POST /account/second-factor/remove", InSession),
    ("GET /account/sessions", InSession),
    ("DELETE /account/sessions", InSession),
    ("DELETE /account/sessions/{id}", InSession),
    ("GET /account/sign-ins", Person),
    ("POST /account/sign-ins/remove", InSession),
    ("GET /account/tokens", InSession),
    ("POST /account/tokens", InSession),
    ("DELETE /account/tokens/{id}", InSession),
    ("POST /accounts/complete", Person),
    ("GET /approvals", Person),
    ("POST /approvals/{id}/decision", Person),
    ("GET /apps", Person),
    ("POST /apps", Person),
    ("GET /apps/{slug}", Own(App, Editor)),
    ("DELETE /apps/{slug}", Own(App, Admin)),
    ("PUT /apps/{slug}/draft", Own(App, Editor)),
    ("PUT /apps/{slug}/editing", Own(App, Editor)),
    ("DELETE /apps/{slug}/editing/{id}", Own(App, Editor)),
    ("PUT /apps/{slug}/favourite", Own(App, Viewer)),
    ("GET /apps/{slug}/grants", Own(App, Admin)),
    ("PUT /apps/{slug}/grants/{user}", Own(App, Admin)),
    ("DELETE /apps/{slug}/grants/{user}", Own(App, Admin)),
    ("PUT /apps/{slug}/grants/groups/{group}", Own(App, Admin)),
    ("DELETE /apps/{slug}/grants/groups/{group}", Own(App, Admin)),
    ("PUT /apps/{slug}/folder", Own(App, Admin)),
    ("PUT /apps/{slug}/labels", Own(App, Editor)),
    ("GET /apps/{slug}/module", Own(App, Viewer)),
    ("PUT /apps/{slug}/protection", Administrator),
    ("POST /apps/{slug}/queries/explain", Own(App, Editor)),
    ("POST /apps/{slug}/queries/export", Own(App, Editor)),
    ("POST /apps/{slug}/queries/run", Own(App, Editor)),
    ("POST /apps/{slug}/queries/{query}/export", Query),
    ("POST /apps/{slug}/queries/{query}/run", Query),
    ("GET /apps/{slug}/released", Own(App, Viewer)),
    ("GET /apps/{slug}/releases", Own(App, Editor)),
    ("POST /apps/{slug}/releases", Own(App, Editor)),
    ("GET /apps/{slug}/releases/{version}", Own(App, Editor)),
    ("POST /apps/{slug}/releases/{version}/restore", Own(App, Editor)),
    ("POST /apps/{slug}/runs", Own(App, Viewer)),
    ("GET /apps/{slug}/usage", Own(App, Editor)),
    ("GET /audit", Administrator),
    ("GET /audit/seals/{number}", Administrator),
    ("GET /audit/verification", Administrator),
    ("GET /environments", Person),
    ("POST /environments", Administrator),
    ("PUT /environments/{environment}", Administrator),
    ("DELETE /environments/{environment}", Administrator),
    ("GET /folders", Person),
    ("POST /folders", Person),
    ("PATCH /folders/{id}", Own(Folder, Admin)),
    ("DELETE /folders/{id}", Own(Folder, Admin)),
    ("GET /folders/{id}/grants", Own(Folder, Admin)),
    ("PUT /folders/{id}/grants/{user}", Own(Folder, Admin)),
    ("DELETE /folders/{id}/grants/{user}", Own(Folder, Admin)),
    ("PUT /folders/{id}/grants/groups/{group}", Own(Folder, Admin)),
    ("DELETE /folders/{id}/grants/groups/{group}", Own(Folder, Admin)),
    ("GET /groups", Person),
    ("POST /groups", Administrator),
    ("GET /groups/{name}", Administrator),
    ("PATCH /groups/{name}", Administrator),
    ("DELETE /groups/{name}", Administrator),
    ("PUT /groups/{name}/members/{user}", Administrator),
    ("DELETE /groups/{name}/members/{user}", Administrator),
    ("POST /imports/n8n", Person),
    ("POST /imports/openapi", Person),
    ("GET /library-sets", Person),
    ("POST /library-sets", Administrator),
    ("GET /library-sets/{name}", Administrator),
    ("PUT /library-sets/{name}", Administrator),
    ("DELETE /library-sets/{name}", Administrator),
    ("POST /library-sets/{name}/build", Administrator),
    ("POST /login", Open),
    ("POST /login/code", Begun),
    ("POST /login/second-factor", Begun),
    ("POST /login/second-factor/confirm", Begun),
    ("POST /logout", InSession),
    ("POST /one-time-links/inspect", Open),
    ("POST /one-time-links/redeem", Open),
    ("GET /people", Person),
    ("GET /queries", Person),
    ("POST /queries", Person),
    ("GET /queries/{slug}", Own(Library, Editor)),
    ("DELETE /queries/{slug}", Own(Library, Admin)),
    ("PUT /queries/{slug}/draft", Own(Library, Editor)),
    ("POST /queries/{slug}/export", Own(Library, Editor)),
    ("GET /queries/{slug}/grants", Own(Library, Admin)),
    ("PUT /queries/{slug}/grants/{user}", Own(Library, Admin)),
    ("DELETE /queries/{slug}/grants/{user}", Own(Library, Admin)),
    ("PUT /queries/{slug}/grants/groups/{group}", Own(Library, Admin)),
    ("DELETE /queries/{slug}/grants/groups/{group}", Own(Library, Admin)),
    ("PUT /queries/{slug}/folder", Own(Library, Admin)),
    ("GET /queries/{slug}/releases", Own(Library, Editor)),
    ("POST /queries/{slug}/releases", Own(Library, Editor)),
    ("POST /queries/{slug}/releases/{version}/restore", Own(Library, Editor)),
    ("POST /queries/{slug}/run", Own(Library, Editor)),
    ("GET /queries/{slug}/usage", Own(Library, Editor)),
    ("GET /queue", Person),
    ("POST /queue/pause", Administrator),
    ("POST /queue/resume", Administrator),
    ("GET /resources", Person),
    ("POST /resources", Administrator),
    ("POST /resources/test", Person),
    ("GET /resources/{name}", Own(Resource, Viewer)),
    ("PUT /resources/{name}", Own(Resource, Admin)),
    ("DELETE /resources/{name}", Own(Resource, Admin)),
    ("GET /resources/{name}/account", Own(Resource, Viewer)),
    ("DELETE /resources/{name}/account", Own(Resource, Viewer)),
    ("POST /resources/{name}/account/connect", Own(Resource, Viewer)),
    ("GET /resources/{name}/environments", Own(Resource, Editor)),
    ("PUT /resources/{name}/environments/{environment}", Own(Resource, Admin)),
    ("DELETE /resources/{name}/environments/{environment}", Own(Resource, Admin)),
    ("GET /resources/{name}/grants", Own(Resource, Admin)),
    ("PUT /resources/{name}/grants/{user}", Own(Resource, Admin)),
    ("DELETE /resources/{name}/grants/{user}", Own(Resource, Admin)),
    ("PUT /resources/{name}/grants/groups/{group}", Own(Resource, Admin)),
    ("DELETE /resources/{name}/grants/groups/{group}", Own(Resource, Admin)),
    ("PUT /resources/{name}/folder", Own(Resource, Admin)),
    ("GET /resources/{name}/schema", Own(Resource, Editor)),
    ("GET /resources/{name}/tables", Own(Resource, Viewer)),
    ("POST /resources/{name}/tables/change", Own(Resource, Admin)),
    ("POST /resources/{name}/tables/change/preview", Own(Resource, Admin)),
    ("POST /resources/{name}/tables/edits", Own(Resource, Editor)),
    ("POST /resources/{name}/tables/export", Own(Resource, Viewer)),
    ("POST /resources/{name}/tables/imports", Own(Resource, Editor)),
    ("GET /resources/{name}/tables/imports/{import}", Own(Resource, Editor)),
    ("POST /resources/{name}/tables/imports/{import}", Own(Resource, Editor)),
    ("DELETE /resources/{name}/tables/imports/{import}", Own(Resource, Editor)),
    ("PUT /resources/{name}/tables/imports/{import}/rows", Own(Resource, Editor)),
    ("GET /resources/{name}/tables/logins", Own(Resource, Viewer)),
    ("POST /resources/{name}/tables/logins", Own(Resource, Viewer)),
    ("DELETE /resources/{name}/tables/logins/{login}", Own(Resource, Viewer)),
    ("POST /resources/{name}/tables/rows", Own(Resource, Viewer)),
    ("GET /resources/{name}/usage", Own(Resource, Editor)),
    ("GET /runs", Person),
    ("GET /runs/{id}", Run),
    ("POST /runs/{id}/blocks/{block}/choice", Run),
    ("GET /runs/{id}/blocks/{block}/rounds", Run),
    ("POST /runs/{id}/cancel", Run),
    ("GET /runs/{id}/events", Run),
    ("GET /runs/{id}/logs", Run),
    ("POST /runs/{id}/pause", Run),
    ("POST /runs/{id}/rerun", Run),
    ("POST /runs/{id}/resume", Run),
    ("POST /runs/{id}/terminate", Run),
    ("POST /schedules/preview", Person),
    ("GET /secrets", Administrator),
    ("POST /secrets", Administrator),
    ("PUT /secrets/{name}", Administrator),
    ("DELETE /secrets/{name}", Administrator),
    ("PUT /secrets/{name}/grants", Administrator),
    ("GET /session", Person),
    ("GET /sign-in", Open),
    ("POST /sign-in/begin/{name}", Open),
    ("POST /sign-in/complete", Open),
    ("PUT /sign-in/passwords", AdministratorInSession),
    ("POST /sign-in/providers", AdministratorInSession),
    ("PUT /sign-in/providers/{name}", AdministratorInSession),
    ("DELETE /sign-in/providers/{name}", AdministratorInSession),
    ("PUT /sign-in/second-factor", AdministratorInSession),
    ("GET /sign-in/settings", Administrator),
    ("GET /source-control", Administrator),
    ("PUT /source-control", Administrator),
    ("DELETE /source-control", Administrator),
    ("POST /source-control/branches", Administrator),
    ("POST /source-control/commit", Administrator),
    ("POST /source-control/compare", Administrator),
    ("POST /source-control/fetch", Administrator),
    ("GET /source-control/jobs/{id}", Administrator),
    ("POST /source-control/pull", Administrator),
    ("POST /source-control/server", Administrator),
    ("GET /ssh-hosts", Administrator),
    ("POST /ssh-hosts", Administrator),
    ("POST /ssh-hosts/host-key", Administrator),
    ("POST /ssh-hosts/test", Administrator),
    ("GET /ssh-hosts/{name}", Administrator),
    ("PUT /ssh-hosts/{name}", Administrator),
    ("DELETE /ssh-hosts/{name}", Administrator),
    ("POST /system/admin-link", Root),
    ("PUT /system/built-in-resource", Root),
    ("POST /system/code/run", Root),
    ("POST /system/recover-admin", Root),
    ("GET /tokens", AdministratorInSession),
    ("DELETE /tokens/{id}", AdministratorInSession),
    ("GET /users", Administrator),
    ("POST /users", AdministratorInSession),
    ("PATCH /users/{id}", Administrator),
    ("POST /users/{id}/invitation", AdministratorInSession),
    ("DELETE /users/{id}/second-factor", AdministratorInSession),
    ("DELETE /users/{id}/sessions", AdministratorInSession),
    ("GET /workflows", Person),
    ("POST /workflows", Person),
    ("GET /workflows/{slug}", Own(Workflow, Editor)),
    ("DELETE /workflows/{slug}", Own(Workflow, Admin)),
    ("POST /workflows/{slug}/blocks/{block}/explain", Own(Workflow, Editor)),
    ("POST /workflows/{slug}/blocks/{block}/run", Own(Workflow, Editor)),
    ("PUT /workflows/{slug}/draft", Own(Workflow, Editor)),
    ("POST /workflows/{slug}/events", Own(Workflow, Editor)),
    ("GET /workflows/{slug}/grants", Own(Workflow, Admin)),
    ("PUT /workflows/{slug}/grants/{user}", Own(Workflow, Admin)),
    ("DELETE /workflows/{slug}/grants/{user}", Own(Workflow, Admin)),
    ("PUT /workflows/{slug}/grants/groups/{group}", Own(Workflow, Admin)),
    ("DELETE /workflows/{slug}/grants/groups/{group}", Own(Workflow, Admin)),
    ("PUT /workflows/{slug}/folder", Own(Workflow, Admin)),
    ("POST /workflows/{slug}/pause", Own(Workflow, Editor)),
    ("GET /workflows/{slug}/releases", Own(Workflow, Editor)),
    ("POST /workflows/{slug}/releases", Own(Workflow, Editor)),
    ("POST /workflows/{slug}/releases/{version}/restore", Own(Workflow, Editor)),
    ("POST /workflows/{slug}/resume", Own(Workflow, Editor)),
    ("GET /workflows/{slug}/runs", Own(Workflow, Editor)),
    ("POST /workflows/{slug}/runs", Own(Workflow, Editor)),
    ("GET /workflows/{slug}/schedules", Own(Workflow, Editor)),
    ("GET /workflows/{slug}/settings", Own(Workflow, Editor)),
    ("PUT /workflows/{slug}/settings", Own(Workflow, Admin)),
    ("POST /workflows/{slug}/triggers/{trigger}/key", Own(Workflow, Editor)),
    ("POST /workflows/{slug}/triggers/{trigger}/pause", Own(Workflow, Editor)),
    ("POST /workflows/{slug}/triggers/{trigger}/resume", Own(Workflow, Editor)),
];

/// Words that stand in what nobody without a role may see.
const CANARY: &str = "canary-4f0e";
/// What no object has.
const NOBODY: &str = "018f0000-0000-7000-8000-00000000dead";

impl Kind {
    fn path(self) -> &'static str {
        match self {
            App => "/apps",
            Workflow => "/workflows",
            Resource => "/resources",
            Library => "/queries",
            Folder => "/folders",
        }
    }
}

#[test]
fn each_route_of_the_document_has_its_row() {
    let document: Value = serde_json::from_str(&bulkhead_api::openapi_json()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths").iter();
    let routes: BTreeSet<String> = paths
        .flat_map(|(path, methods)| {
            let path = path.strip_prefix("/api/v1").expect("the prefix").to_owned();
            let methods = methods.as_object().expect("methods").keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
        })
        .collect();
    let rows: BTreeSet<String> = TABLE.iter().map(|(route, _)| (*route).to_owned()).collect();
    assert_eq!(rows.len(), TABLE.len(), "a route has two rows");
    assert_eq!(routes.difference(&rows).collect::<Vec<_>>(), Vec::<&String>::new(), "say what these routes need");
    assert_eq!(rows.difference(&routes).collect::<Vec<_>>(), Vec::<&String>::new(), "there are no such routes");
}

/// An instance with one thing of each kind, and a person for each role on all of them and each way to it.
struct World {
    instance: Instance,
    admin: Person,
    /// Somebody without any role, and somebody who owns another thing of each kind: that, by a group, and by a folder.
    strangers: [(Person, &'static str); 2],
    /// By way and role.
    people: [[Person; 3]; 4],
    /// The folder that all things stand in.
    shelf: String,
    /// A folder among these things.
    folder: String,
    /// A run of the workflow, which has ended.
    run: String,
    /// Tokens of the administrator and of the stranger, that may do everything.
    tokens: [String; 2],
    /// Of the administrator: it only reads.
    reading: String,
}

impl World {
    async fn start() -> Self {
        let instance = Instance::with(json!({ "limits": { "login-failures-per-minute": 1000 } })).await;
        instance.with_tables().await;
        let admin = instance.admin().await;
        let stranger = instance.person(&admin, "stranger").await;
        let neighbour = instance.person(&admin, "neighbour").await;
        let mut people = Vec::new();
        for way in WAYS {
            let mut of = Vec::new();
            for role in ROLES {
                of.push(instance.person(&admin, &format!("{}-{role}", format!("{way:?}").to_lowercase())).await);
            }
            people.push(<[Person; 3]>::try_from(of).expect("three"));
        }
        let people = <[[Person; 3]; 4]>::try_from(people).expect("four");
        let token = async |person: &Person, scope: &str| {
            let body = json!({ "name": scope, "scope": scope });
            let made = instance.call(person, "POST", "/account/tokens", &body).await.ok(201);
            made["secret"].as_str().expect("a token").to_owned()
        };
        let tokens = [token(&admin, "all").await, token(&stranger, "all").await];
        let reading = token(&admin, "read").await;
        let strangers = [(stranger, "a stranger"), (neighbour, "a neighbour")];
        let (shelf, folder, run) = (String::new(), String::new(), String::new());
        let mut world = Self { instance, admin, strangers, people, shelf, folder, run, tokens, reading };
        world.fill().await;
        world
    }

    async fn fill(&mut self) {
        for (way, people) in [(1, "thing"), (3, "folder")] {
            for (person, role) in self.people[way].iter().zip(ROLES) {
                self.group(&format!("{people}-{role}"), person).await;
            }
        }
        self.shelf = self.make_folder(&format!("{CANARY}-shelf"), None).await;
        let shelf = format!("/folders/{}", self.shelf);
        for (person, role) in self.people[2].iter().zip(ROLES) {
            self.instance.grant(&self.admin, &shelf, person, role).await;
            self.grant_group(&shelf, &format!("folder-{role}"), role).await;
        }
        for kind in [App, Workflow, Resource, Library, Folder] {
            let name = self.make(kind, CANARY).await;
            if kind == Folder {
                self.folder = name;
            }
        }
        self.fill_the_neighbours().await;
        let base = format!("/workflows/{CANARY}");
        self.as_admin("POST", &format!("{base}/releases"), &json!({ "revision": 1 })).await.ok(200);
        let started = self.as_admin("POST", &format!("{base}/runs"), &json!({})).await.ok(202);
        self.run = started["run"].as_str().expect("a run").to_owned();
        self.as_admin("POST", &format!("/runs/{}/terminate", self.run), &json!({})).await;
    }

    /// Another thing of each kind in another folder. Who owns them by every way has no way to the things of this world.
    async fn fill_the_neighbours(&self) {
        let neighbour = &self.strangers[1].0;
        self.group("neighbours", neighbour).await;
        let shelf = self.make_folder("next-door", None).await;
        let mut paths = vec![format!("/folders/{shelf}")];
        for kind in [App, Workflow, Resource, Library, Folder] {
            let path = format!("{}/{}", kind.path(), self.make_in(kind, "next-door", &shelf).await);
            paths.push(path);
        }
        for path in paths {
            self.instance.grant(&self.admin, &path, neighbour, "admin").await;
            self.grant_group(&path, "neighbours", "admin").await;
        }
    }

    async fn as_admin(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.instance.call(&self.admin, method, path, body).await
    }

    async fn group(&self, name: &str, member: &Person) {
        self.as_admin("POST", "/groups", &json!({ "name": name })).await.ok(201);
        self.as_admin("PUT", &format!("/groups/{name}/members/{}", member.id), &json!({})).await.ok(204);
    }

    async fn grant_group(&self, object: &str, group: &str, role: &str) {
        let path = format!("{object}/grants/groups/{group}");
        self.as_admin("PUT", &path, &json!({ "role": role })).await.ok(204);
    }

    async fn make_folder(&self, name: &str, parent: Option<&str>) -> String {
        let made = self.as_admin("POST", "/folders", &json!({ "name": name, "parent": parent })).await.ok(201);
        made["id"].as_str().expect("an id").to_owned()
    }

    /// Makes a thing in a folder; what it is called in addresses.
    async fn make_in(&self, kind: Kind, name: &str, folder: &str) -> String {
        let body = match kind {
            App | Workflow => json!({ "slug": name, "title": CANARY }),
            Resource => json!({ "name": name, "config": self.instance.tables_config(), "secret": "x" }),
            Library => json!({ "slug": name, "document": {
                "format": 1, "title": CANARY, "query": { "resource": "tables", "statement": "select 1" } } }),
            Folder => return self.make_folder(name, Some(folder)).await,
        };
        self.as_admin("POST", kind.path(), &body).await.ok(201);
        let path = format!("{}/{name}/folder", kind.path());
        self.as_admin("PUT", &path, &json!({ "folder": folder })).await.ok(204);
        name.to_owned()
    }

    /// Makes a thing and gives everybody their role on it; what it is called in addresses.
    async fn make(&self, kind: Kind, name: &str) -> String {
        let name = self.make_in(kind, name, &self.shelf).await;
        let path = format!("{}/{name}", kind.path());
        for (person, role) in self.people[0].iter().zip(ROLES) {
            self.instance.grant(&self.admin, &path, person, role).await;
            self.grant_group(&path, &format!("thing-{role}"), role).await;
        }
        name
    }

    /// The route's path, with what stands in it. A thing that the request may do away with is made for it.
    async fn path(&self, method: &str, template: &str, needs: Needs, may_act: bool) -> String {
        let mut name = if matches!(needs, Own(Folder, _)) { self.folder.clone() } else { CANARY.to_owned() };
        if let (Own(kind, _), true) = (needs, may_act && method == "DELETE") {
            name = self.make(kind, &format!("c-{}", Uuid::new_v4().simple())).await;
        }
        let mut path = template.to_owned();
        while let Some(start) = path.find('{') {
            let end = start + path[start..].find('}').expect("a closing brace");
            let value = match &path[start + 1..end] {
                "version" | "number" => "1",
                "id" if template.starts_with("/runs/") => &self.run,
                "id" if template.starts_with("/folders/") => &name,
                "slug" => &name,
                "name" if template.starts_with("/resources/") => &name,
                "block" | "trigger" | "query" | "environment" | "group" | "name" => "x",
                _ => NOBODY,
            };
            path = format!("{}{value}{}", &path[..start], &path[end + 1..]);
        }
        if template.ends_with("/export") {
            path.push_str("?format=csv");
        }
        path
    }

    /// Sends a request whose body, where it has one, is broken off: what asks for a body says so once the caller is let in, and does
    /// nothing.
    async fn send(&self, who: &[(&str, &str)], method: &str, path: &str) -> Answer {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend_from_slice(who);
        let body = match method {
            "GET" => "",
            // It reads its body before it knows which role it takes.
            _ if path.contains("/queries/x/") => "{}",
            _ => "{",
        };
        self.instance.send(method, &format!("/api/v1{path}"), &headers, body).await
    }

    async fn as_person(&self, person: &Person, method: &str, path: &str) -> Answer {
        let cookie = ("cookie", person.cookie.as_str());
        self.send(&[cookie, ("x-bulkhead-csrf", "1"), ("sec-fetch-site", "same-origin")], method, path).await
    }

    async fn with_token(&self, token: &str, method: &str, path: &str) -> Answer {
        self.send(&[("authorization", &format!("Bearer {token}"))], method, path).await
    }
}

/// What the guards say, as status and code; `None` when they let somebody in.
fn refusal(answer: &Answer) -> Option<(u16, String)> {
    let guards =
        ["no-session", "role-too-low", "administrators-only", "sessions-only", "token-reads-only", "not-found"];
    if !answer.status.is_client_error() {
        return None;
    }
    Some(answer.problem()).filter(|(_, code)| guards.contains(&code.as_str()))
}

/// Whether somebody was let in. What lies below a thing may be missing, and things that have no roles: nobody else is told so.
#[track_caller]
fn is_let_in(answer: &Answer, (route, needs): (&str, Needs), who: &str) {
    let found = refusal(answer);
    let existing = if matches!(needs, Own(..) | Run | Query) { 1 } else { 0 };
    let is_missing_part =
        found.as_ref().is_some_and(|(status, _)| *status == 404) && route.matches('{').count() > existing;
    assert!(found.is_none() || is_missing_part, "{route}, {who}: {found:?}");
}

#[track_caller]
fn is_refused(answer: &Answer, expected: (u16, &str), route: &str, who: &str) {
    assert_eq!(refusal(answer), Some((expected.0, expected.1.to_owned())), "{route}, {who}: {answer:?}");
    assert!(!String::from_utf8_lossy(&answer.body).contains(CANARY), "{route}, {who}");
}

#[tokio::test]
async fn each_route_lets_in_whom_its_row_says_and_nobody_else() {
    let world = World::start().await;
    let [ours, theirs] = &world.tokens;
    for (route, needs) in TABLE {
        let (method, template) = route.split_once(' ').expect("method and path");
        // Nobody, somebody without a role, and somebody without one by a token: first, because they change nothing.
        let path = world.path(method, template, *needs, false).await;
        let nobody = world.send(&[], method, &path).await;
        match needs {
            Open => is_let_in(&nobody, (route, *needs), "nobody"),
            _ => is_refused(&nobody, (401, "no-session"), route, "nobody"),
        }
        if *needs == Open {
            continue;
        }
        let refused = match needs {
            Own(..) | Run | Query | Root => Some((404, "not-found")),
            Administrator | AdministratorInSession => Some((403, "administrators-only")),
            Begun => Some((401, "no-session")),
            Open | Person | InSession => None,
        };
        if let Some(expected) = refused {
            for (stranger, who) in &world.strangers {
                is_refused(&world.as_person(stranger, method, &path).await, expected, route, who);
            }
            is_refused(&world.with_token(theirs, method, &path).await, expected, route, "a stranger's token");
        }
        // Roles on the thing that the path names.
        let least = match needs {
            Own(_, least) => Some(*least),
            Run => Some(Editor),
            Query => Some(Viewer),
            _ => None,
        };
        let ways = WAYS.iter().zip(&world.people);
        let each =
            ways.flat_map(|(way, people)| people.iter().zip([Viewer, Editor, Admin]).map(move |pair| (way, pair)));
        for (way, (person, role)) in each {
            let Some(least) = least else { continue };
            let who = format!("{role:?} {way:?}");
            let path = world.path(method, template, *needs, role >= least).await;
            let answer = world.as_person(person, method, &path).await;
            match role >= least {
                true => is_let_in(&answer, (route, *needs), &who),
                false => is_refused(&answer, (403, "role-too-low"), route, &who),
            }
        }
        if matches!(needs, Person | InSession) {
            let somebody = match *route {
                "POST /logout" => logged_in_again(&world.instance, "stranger").await,
                _ => world.strangers[0].0.clone(),
            };
            is_let_in(&world.as_person(&somebody, method, &path).await, (route, *needs), "a person");
        }
        // An administrator: by a session, by a token, and by one that reads.
        if *needs == Root || *needs == Begun {
            continue;
        }
        if *needs != InSession {
            let path = world.path(method, template, *needs, true).await;
            is_let_in(&world.as_person(&world.admin, method, &path).await, (route, *needs), "an administrator");
        }
        let path = world.path(method, template, *needs, true).await;
        let (by_token, reading) =
            (world.with_token(ours, method, &path).await, world.with_token(&world.reading, method, &path).await);
        match (needs, method) {
            (InSession | AdministratorInSession, _) => {
                is_refused(&by_token, (403, "sessions-only"), route, "a token");
                assert!(refusal(&reading).is_some_and(|(status, _)| status == 403), "{route}, a token that reads");
            }
            (_, "GET") => {
                is_let_in(&by_token, (route, *needs), "a token");
                is_let_in(&reading, (route, *needs), "a token that reads");
            }
            _ => {
                is_let_in(&by_token, (route, *needs), "a token");
                is_refused(&reading, (403, "token-reads-only"), route, "a token that reads");
            }
        }
    }
    // Nothing of it was done for those who were refused.
    world.as_admin("GET", &format!("/apps/{CANARY}"), &Value::Null).await.ok(200);
    let _ = with_token(&world.instance, ours, "GET", "/session", &Value::Null).await.ok(200);
}
