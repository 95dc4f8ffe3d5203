//! The second factor: asked for after the password, once for each code, and where it is required before anything else.

use hmac::{Hmac, KeyInit, Mac};
use http::header;
use serde_json::{Value, json};
use sha1::Sha1;

use crate::kit::{Answer, Instance, PASSWORD, Person, logged_in};

/// What an authenticator app shows for a secret, so many steps from now.
fn code(secret: &str, steps: i64) -> String {
    let bits: String = secret
        .bytes()
        .map(|c| {
            format!(
                "{:05b}",
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|letter| *letter == c).expect("base32")
            )
        })
        .collect();
    let key: Vec<u8> =
        (0..bits.len() / 8).map(|at| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).expect("bits")).collect();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let step = i64::try_from(now / 30).expect("soon") + steps;
    let mut mac = Hmac::<Sha1>::new_from_slice(&key).expect("any length");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into().expect("four")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// A code that is none of those that count now.
fn wrong_code(secret: &str) -> String {
    let right: Vec<String> = (-2..=2).map(|steps| code(secret, steps)).collect();
    (0..).map(|number| format!("{number:06}")).find(|code| !right.contains(code)).expect("one")
}

async fn password(instance: &Instance, name: &str) -> Answer {
    let login = json!({ "email": format!("{name}@example.org"), "password": PASSWORD });
    instance.post("/api/v1/login", &login).await
}

/// The cookie of a log-in that is not done, with what it needs.
#[track_caller]
fn pending(answer: Answer) -> (String, String) {
    let cookie = answer.headers[header::SET_COOKIE].to_str().expect("text").to_owned();
    assert!(cookie.starts_with("__Host-bulkhead-log-in="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=600"), "{cookie}");
    let needs = answer.ok(202)["needs"].as_str().expect("a word").to_owned();
    (cookie.split(';').next().expect("a pair").to_owned(), needs)
}

async fn with_cookie(instance: &Instance, cookie: &str, path: &str, body: &Value) -> Answer {
    let headers = [
        ("content-type", "application/json"),
        ("cookie", cookie),
        ("x-bulkhead-csrf", "1"),
        ("sec-fetch-site", "same-origin"),
    ];
    instance.send("POST", &format!("/api/v1{path}"), &headers, body.to_string()).await
}

/// Sets a second factor up; its secret and the recovery codes.
async fn enrol(instance: &Instance, person: &Person) -> (String, Vec<String>) {
    let body = json!({ "password": PASSWORD });
    let begun = instance.call(person, "POST", "/account/second-factor", &body).await.ok(200);
    let secret = begun["secret"].as_str().expect("a secret").to_owned();
    let now = json!({ "code": code(&secret, 0) });
    let confirmed = instance.call(person, "POST", "/account/second-factor/confirm", &now).await.ok(200);
    let codes = confirmed["recovery_codes"].as_array().expect("codes").iter();
    (secret, codes.map(|code| code.as_str().expect("text").to_owned()).collect())
}

#[tokio::test]
async fn a_code_is_asked_for_after_the_password_and_counts_once() {
    let instance = Instance::start().await;
    instance.start_backend();
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let begin = async |password: &str| {
        instance.call(&ada, "POST", "/account/second-factor", &json!({ "password": password })).await
    };
    assert_eq!(begin("not the password").await.problem(), (403, "wrong-password".into()));
    let begun = begin(PASSWORD).await.ok(200);
    let (secret, uri) = (begun["secret"].as_str().expect("text"), begun["uri"].as_str().expect("text"));
    assert_eq!(secret.len(), 32);
    assert!(
        uri.starts_with("otpauth://totp/Bulkhead%20localhost") && uri.contains(&format!("secret={secret}&")),
        "{uri}"
    );
    assert!(
        begun["qr_size"].as_i64().expect("a size") >= 33
            && begun["qr_path"].as_str().expect("text").starts_with("M0 0h7v1")
    );
    // It counts for nothing before a code has confirmed it.
    logged_in(password(&instance, "ada").await);
    let confirm = async |code: String| {
        instance.call(&ada, "POST", "/account/second-factor/confirm", &json!({ "code": code })).await
    };
    assert_eq!(confirm(wrong_code(secret)).await.problem(), (403, "wrong-code".into()));
    let used = code(secret, 0);
    let codes = confirm(used.clone()).await.ok(200)["recovery_codes"].clone();
    assert_eq!(codes.as_array().expect("codes").len(), 10);
    assert_eq!(confirm(used.clone()).await.problem(), (410, "attempt-over".into()));

    let (cookie, needs) = pending(password(&instance, "ada").await);
    assert_eq!(needs, "code");
    let enter =
        async |cookie: &str, code: &str| with_cookie(&instance, cookie, "/login/code", &json!({ "code": code })).await;
    assert_eq!(enter(&cookie, &used).await.problem(), (403, "wrong-code".into()), "it confirmed the enrolment");
    assert_eq!(enter(&cookie, &wrong_code(secret)).await.problem(), (403, "wrong-code".into()));
    let next = code(secret, 1);
    let opened = enter(&cookie, &format!("{} {}", &next[..3], &next[3..])).await;
    let cookies: Vec<_> =
        opened.headers.get_all(header::SET_COOKIE).iter().map(|c| c.to_str().expect("text")).collect();
    assert!(
        cookies.iter().any(|cookie| cookie.starts_with("__Host-bulkhead-log-in=;") && cookie.ends_with("Max-Age=0"))
    );
    let session = cookies.iter().find(|cookie| cookie.starts_with("__Host-bulkhead=")).expect("a session");
    let session = Person { id: ada.id.clone(), cookie: session.split(';').next().expect("a pair").to_owned() };
    instance.call(&session, "GET", "/apps", &Value::Null).await.ok(200);
    assert_eq!(enter(&cookie, &code(secret, 1)).await.problem(), (410, "attempt-over".into()), "the log-in is done");
    let (cookie, _) = pending(password(&instance, "ada").await);
    assert_eq!(enter(&cookie, &next).await.problem(), (403, "wrong-code".into()), "each code counts once");
    let audit = instance.audit().await;
    for action in ["user.second-factor.set", "user.login.begin", "user.login.refused", "user.login"] {
        assert!(audit.contains(&("ada@example.org".into(), action.into())), "{action}: {audit:?}");
    }
}

#[tokio::test]
async fn a_log_in_that_is_not_done_can_do_nothing_else() {
    let instance = Instance::start().await;
    instance.start_backend();
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    enrol(&instance, &ada).await;
    let (cookie, _) = pending(password(&instance, "ada").await);
    let token = cookie.split_once('=').expect("a pair").1;
    for cookie in [cookie.clone(), format!("__Host-bulkhead={token}")] {
        for path in ["/session", "/apps", "/account/second-factor", "/account/sessions"] {
            let answer = instance.send("GET", &format!("/api/v1{path}"), &[("cookie", &cookie)], "").await;
            assert_eq!(answer.problem(), (401, "no-session".into()), "{path}");
        }
    }
    for path in ["/login/second-factor", "/login/second-factor/confirm"] {
        let answer = with_cookie(&instance, &cookie, path, &json!({ "code": "000000" })).await;
        assert_eq!(answer.problem(), (410, "attempt-over".into()), "it must not replace what it asks for: {path}");
    }
    instance.call(&admin, "DELETE", &format!("/users/{}/sessions", ada.id), &json!({})).await.ok(204);
    let answer = with_cookie(&instance, &cookie, "/login/code", &json!({ "code": "000000" })).await;
    assert_eq!(answer.problem(), (410, "attempt-over".into()), "it ends with the sessions");
}

#[tokio::test]
async fn a_recovery_code_works_once_without_the_daemon_that_checks_codes() {
    let instance = Instance::start().await;
    instance.start_backend();
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let (_, codes) = enrol(&instance, &ada).await;
    let owner = instance.own.connect().await;
    let kept = owner.query_one("select string_agg(r::text, ' ') from recovery_codes r", &[]).await.expect("reads");
    assert!(!kept.get::<_, String>(0).contains(&codes[0]));
    // The secret cannot be opened any more, as if workflows-backend had lost its key.
    owner.batch_execute("update second_factors set sealed = 'x'").await.expect("spoilt");
    let enter = async |code: &str| {
        let (cookie, _) = pending(password(&instance, "ada").await);
        with_cookie(&instance, &cookie, "/login/code", &json!({ "code": code })).await
    };
    assert_eq!(enter("123456").await.problem(), (422, "second-factor-damaged".into()));
    enter(&codes[0].to_lowercase()).await.ok(200);
    assert_eq!(enter(&codes[0]).await.problem(), (403, "wrong-code".into()));
    let state = instance.call(&ada, "GET", "/account/second-factor", &Value::Null).await.ok(200);
    assert_eq!(state["recovery_codes"], 9);
    let again = json!({ "password": PASSWORD });
    let renewed = instance.call(&ada, "POST", "/account/second-factor/recovery-codes", &again).await.ok(200);
    assert_eq!(enter(&codes[1]).await.problem(), (403, "wrong-code".into()), "the old ones are gone");
    enter(renewed["recovery_codes"][0].as_str().expect("text")).await.ok(200);
}

#[tokio::test]
async fn codes_are_limited_as_passwords_are() {
    let instance = Instance::with(json!({ "limits": { "login-failures-per-minute": 3 } })).await;
    instance.start_backend();
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let (secret, codes) = enrol(&instance, &ada).await;
    for number in 0..4 {
        let (cookie, _) = pending(password(&instance, "ada").await);
        let answer = with_cookie(&instance, &cookie, "/login/code", &json!({ "code": wrong_code(&secret) })).await;
        let expected = if number < 3 { (403, "wrong-code") } else { (429, "too-many-attempts") };
        assert_eq!(answer.problem(), (expected.0, expected.1.to_owned()), "{number}");
    }
    let (cookie, _) = pending(password(&instance, "ada").await);
    let answer = with_cookie(&instance, &cookie, "/login/code", &json!({ "code": codes[0] })).await;
    assert_eq!(answer.problem().0, 429, "a right one waits, too");
}

#[tokio::test]
async fn whoever_must_have_a_second_factor_makes_one_before_anything_else() {
    let instance = Instance::start().await;
    instance.start_backend();
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let require = async |whom: &str| {
        instance.call(&admin, "PUT", "/sign-in/second-factor", &json!({ "required_for": whom })).await
    };
    assert_eq!(require("somebody").await.problem().0, 422);
    require("administrators").await.ok(204);
    let settings = instance.call(&admin, "GET", "/sign-in/settings", &Value::Null).await.ok(200);
    assert_eq!(settings["second_factor_required_for"], "administrators");
    logged_in(password(&instance, "ada").await);
    assert_eq!(pending(password(&instance, "root").await).1, "enrolment");
    require("everybody").await.ok(204);
    instance.call(&ada, "GET", "/apps", &Value::Null).await.ok(200);

    let (cookie, needs) = pending(password(&instance, "ada").await);
    assert_eq!(needs, "enrolment");
    let code_alone = with_cookie(&instance, &cookie, "/login/code", &json!({ "code": "000000" })).await;
    assert_eq!(code_alone.problem(), (410, "attempt-over".into()));
    let begun = with_cookie(&instance, &cookie, "/login/second-factor", &json!({})).await.ok(200);
    let secret = begun["secret"].as_str().expect("text");
    let confirm = async |code: String| {
        with_cookie(&instance, &cookie, "/login/second-factor/confirm", &json!({ "code": code })).await
    };
    assert_eq!(confirm(wrong_code(secret)).await.problem(), (403, "wrong-code".into()));
    let done = confirm(code(secret, 0)).await;
    let cookies: Vec<String> =
        done.headers.get_all(header::SET_COOKIE).iter().map(|c| c.to_str().expect("text").to_owned()).collect();
    assert_eq!(done.ok(200)["recovery_codes"].as_array().expect("codes").len(), 10);
    let session = cookies.iter().find(|cookie| cookie.starts_with("__Host-bulkhead=")).expect("a session");
    let ada = Person { id: ada.id, cookie: session.split(';').next().expect("a pair").to_owned() };
    let remove = json!({ "password": PASSWORD });
    let kept = instance.call(&ada, "POST", "/account/second-factor/remove", &remove).await;
    assert_eq!(kept.problem(), (409, "second-factor-required".into()));
    require("nobody").await.ok(204);
    instance.call(&ada, "POST", "/account/second-factor/remove", &remove).await.ok(204);
    logged_in(password(&instance, "ada").await);
}

#[tokio::test]
async fn an_administrator_resets_it_and_links_do_not_go_round_it() {
    let instance = Instance::start().await;
    instance.start_backend();
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    enrol(&instance, &ada).await;
    let has = async || {
        let users = instance.call(&admin, "GET", "/users", &Value::Null).await.ok(200);
        let users = users["users"].as_array().expect("a list").clone();
        users.iter().find(|user| user["email"] == "ada@example.org").expect("Ada")["second_factor"].clone()
    };
    assert_eq!(has().await, true);
    // A new password by an invitation does not replace the code.
    let invited = instance.call(&admin, "POST", &format!("/users/{}/invitation", ada.id), &json!({})).await.ok(200);
    let token = crate::kit::token_of(&invited);
    let redeemed =
        instance.post("/api/v1/one-time-links/redeem", &json!({ "token": token, "password": PASSWORD })).await;
    assert_eq!(pending(redeemed).1, "code");
    let path = format!("/users/{}/second-factor", ada.id);
    instance.call(&admin, "DELETE", &path, &json!({})).await.ok(204);
    assert_eq!(instance.call(&admin, "DELETE", &path, &json!({})).await.problem().0, 404);
    assert_eq!(has().await, false);
    let ada = logged_in(password(&instance, "ada").await);
    // Root's link does: there may be nobody else who could reset it.
    enrol(&instance, &ada).await;
    let body = json!({ "email": "ada@example.org" });
    let link = instance.as_root(http::Method::POST, "/system/recover-admin", &body).await.expect("a link");
    let redeem = json!({ "token": crate::kit::token_of(&link), "password": PASSWORD });
    logged_in(instance.post("/api/v1/one-time-links/redeem", &redeem).await);
}
