//! An SSH server of russh that takes one password and sends back what is forwarded through it.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use bulkhead_model::ssh::{SshHostConfig, SshSecret};
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Response, Session, run_stream};
use russh::{Channel, MethodKind, MethodSet};
use tokio::net::TcpListener;

use crate::kit::Host;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// How it takes the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// By itself.
    Password,
    /// In a dialogue.
    Dialogue,
    /// In a dialogue that goes on with another question.
    SecondFactor,
}

/// Runs until the test ends.
pub(crate) struct PasswordServer {
    port: u16,
    host_key: String,
    answers: Arc<Mutex<Vec<String>>>,
}

impl PasswordServer {
    pub(crate) async fn start(takes: Takes) -> Self {
        let key = PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).expect("a key");
        let host_key = key.public_key().to_openssh().expect("written");
        let method = if takes == Takes::Password { MethodKind::Password } else { MethodKind::KeyboardInteractive };
        let config = Arc::new(Config {
            methods: MethodSet::from([method].as_slice()),
            auth_rejection_time: std::time::Duration::ZERO,
            keys: vec![key],
            ..Config::default()
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
        let port = listener.local_addr().expect("an address").port();
        let answers = Arc::default();
        let connection = Connection { takes, answers: Arc::clone(&answers) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (config, connection) = (Arc::clone(&config), connection.clone());
                tokio::spawn(async move { run_stream(config, stream, connection).await?.await });
            }
        });
        Self { port, host_key, answers }
    }

    /// It, with a password.
    pub(crate) fn host(&self, password: &str) -> Host {
        let config = SshHostConfig {
            host: "127.0.0.1".into(),
            port: self.port,
            user: "tunnel".into(),
            host_key: self.host_key.clone(),
            jump_host: None,
        };
        Host { config, secret: SshSecret::Password { password: password.to_owned() } }
    }

    /// What was answered in dialogues.
    pub(crate) fn answers(&self) -> Vec<String> {
        self.answers.lock().expect("no test panicked in it").clone()
    }
}

#[derive(Clone)]
struct Connection {
    takes: Takes,
    answers: Arc<Mutex<Vec<String>>>,
}

fn question(text: &'static str) -> Auth {
    Auth::Partial { name: "".into(), instructions: "".into(), prompts: Cow::Owned(vec![(text.into(), false)]) }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, russh::Error> {
        let accepted = self.takes == Takes::Password && password == PASSWORD;
        Ok(if accepted { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let Some(mut response) = response else { return Ok(question("Password: ")) };
        let answer = String::from_utf8(response.next().unwrap_or_default().to_vec()).expect("UTF-8");
        self.answers.lock().expect("no test panicked in it").push(answer.clone());
        Ok(match self.takes {
            Takes::SecondFactor => question("Code: "),
            Takes::Dialogue if answer == PASSWORD => Auth::Accept,
            _ => Auth::reject(),
        })
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        reply.accept().await;
        tokio::spawn(async move {
            let (mut read, mut write) = tokio::io::split(channel.into_stream());
            tokio::io::copy(&mut read, &mut write).await
        });
        Ok(())
    }
}
