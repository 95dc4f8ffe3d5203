//! Where people are logged in: they see it, and it ends everywhere at once.

use serde_json::{Value, json};

use crate::kit::{Answer, Instance, PASSWORD, Person, logged_in, logged_in_again};

async fn sessions(instance: &Instance, person: &Person) -> Vec<Value> {
    let found = instance.call(person, "GET", "/account/sessions", &Value::Null).await.ok(200);
    found["sessions"].as_array().expect("a list").clone()
}

/// The status of a request with that session.
async fn status(instance: &Instance, person: &Person) -> u16 {
    instance.call(person, "GET", "/session", &Value::Null).await.status.as_u16()
}

#[tokio::test]
async fn a_person_sees_their_sessions_and_ends_them() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let login = json!({ "email": "ada@example.org", "password": PASSWORD }).to_string();
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let headers = [("content-type", "application/json"), ("user-agent", agent)];
    let other = logged_in(instance.send("POST", "/api/v1/login", &headers, login).await);
    let third = logged_in_again(&instance, "ada").await;
    let all = sessions(&instance, &ada).await;
    assert_eq!(all.len(), 3);
    assert_eq!(all.iter().filter(|session| session["is_current"] == true).count(), 1);
    assert!(all.iter().all(|session| session["address"] == "127.0.0.1"), "{all:?}");
    let firefox = all.iter().find(|session| session["user_agent"] == agent).expect("the other");
    assert!(!all.iter().any(|session| session.to_string().contains(&ada.cookie[16..])), "no cookie is told");

    let path = format!("/account/sessions/{}", firefox["id"].as_str().expect("an id"));
    assert_eq!(instance.call(&admin, "DELETE", &path, &json!({})).await.problem().0, 404, "it is not theirs");
    instance.call(&ada, "DELETE", &path, &json!({})).await.ok(204);
    assert_eq!((status(&instance, &other).await, status(&instance, &third).await), (401, 200));
    assert_eq!(instance.call(&ada, "DELETE", &path, &json!({})).await.problem().0, 404);
    instance.call(&ada, "DELETE", "/account/sessions", &json!({})).await.ok(204);
    assert_eq!((status(&instance, &ada).await, status(&instance, &third).await), (200, 401));
    assert_eq!(status(&instance, &admin).await, 200);
    assert!(instance.audit().await.contains(&("ada@example.org".into(), "user.session.end".into())));
}

#[tokio::test]
async fn an_administrator_ends_all_sessions_of_a_person_and_each_replica_knows() {
    let instance = Instance::start().await;
    let replica = instance.start_replica();
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let on_replica = async |person: &Person| -> Answer {
        instance.send_to(replica, "GET", "/api/v1/session", &[("cookie", person.cookie.as_str())], "").await
    };
    let mut answer = on_replica(&ada).await;
    for _ in 0..200 {
        if answer.status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        answer = on_replica(&ada).await;
    }
    assert_eq!(answer.status, 200);
    let path = format!("/users/{}/sessions", ada.id);
    instance.call(&admin, "DELETE", &path, &json!({})).await.ok(204);
    assert_eq!(on_replica(&ada).await.problem(), (401, "no-session".into()));
    assert_eq!(status(&instance, &ada).await, 401);
    assert_eq!(on_replica(&admin).await.status, 200);
    let nobody = "/users/018f0000-0000-7000-8000-000000000001/sessions";
    assert_eq!(instance.call(&admin, "DELETE", nobody, &json!({})).await.problem().0, 404);
    logged_in_again(&instance, "ada").await;
}
