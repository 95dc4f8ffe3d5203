//! The log-in on a host whose key was checked, and what its refusal means.

use std::sync::Arc;

use bulkhead_model::ssh::SshHostConfig;
use russh::client::{AuthResult, Handle, Handler, KeyboardInteractiveAuthResponse};
use russh::keys::PrivateKeyWithHashAlg;
use russh::{MethodKind, MethodSet};

use crate::credential::Credential;
use crate::error::TunnelError;

/// Rounds of a dialogue at most: one for the password, the others for what the host has to say.
const MAX_DIALOGUE_ROUNDS: usize = 4;

/// Logs in, or says why not.
pub(crate) async fn log_in<H: Handler>(
    handle: &mut Handle<H>,
    config: &SshHostConfig,
    credential: &Credential,
) -> Result<(), TunnelError> {
    let (host, user) = (&config.host, &config.user);
    let lost = |error: russh::Error| TunnelError::Unreachable {
        host: host.clone(),
        port: config.port,
        reason: format!("the connection broke during the log-in ({error})"),
    };
    let mut outcome = match credential {
        Credential::Key(key) => {
            let key = PrivateKeyWithHashAlg::new(Arc::clone(key), None);
            handle.authenticate_publickey(user, key).await.map_err(lost)?
        }
        Credential::Password(password) => handle.authenticate_password(user, password.as_str()).await.map_err(lost)?,
    };
    if let (Credential::Password(password), AuthResult::Failure { remaining_methods, partial_success: false }) =
        (credential, &outcome)
        && remaining_methods.contains(&MethodKind::KeyboardInteractive)
    {
        // Many hosts take passwords in a dialogue only: PasswordAuthentication no, UsePAM yes.
        outcome = dialogue(handle, user, password).await.map_err(lost)?;
    }
    match outcome {
        AuthResult::Success => Ok(()),
        AuthResult::Failure { remaining_methods, partial_success } => {
            let reason = refusal(credential, &remaining_methods, partial_success);
            Err(TunnelError::LogIn { host: host.clone(), user: user.clone(), reason })
        }
    }
}

/// Gives the password to the first question that hides its answer, and to no other.
async fn dialogue<H: Handler>(handle: &mut Handle<H>, user: &str, password: &str) -> Result<AuthResult, russh::Error> {
    let mut given = false;
    let mut step = handle.authenticate_keyboard_interactive_start(user, None).await?;
    for _ in 0..MAX_DIALOGUE_ROUNDS {
        let prompts = match step {
            KeyboardInteractiveAuthResponse::Success => return Ok(AuthResult::Success),
            KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success } => {
                return Ok(AuthResult::Failure { remaining_methods, partial_success });
            }
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => prompts,
        };
        let answers = match prompts.as_slice() {
            [] => Vec::new(),
            [prompt] if !prompt.echo && !given => {
                given = true;
                vec![password.to_owned()]
            }
            // A second factor, say: nobody is here to answer.
            _ => break,
        };
        step = handle.authenticate_keyboard_interactive_respond(answers).await?;
    }
    let remaining_methods = MethodSet::from([MethodKind::KeyboardInteractive].as_slice());
    Ok(AuthResult::Failure { remaining_methods, partial_success: true })
}

fn refusal(credential: &Credential, remaining: &MethodSet, partial_success: bool) -> String {
    let accepted = remaining.iter().map(String::from).collect::<Vec<_>>().join(", ");
    let (given, methods, advice): (_, &[MethodKind], _) = match credential {
        Credential::Key(_) => {
            ("key", &[MethodKind::PublicKey], "the public half must be in the user's authorized_keys")
        }
        Credential::Password(_) => ("password", &[MethodKind::Password, MethodKind::KeyboardInteractive], "check both"),
    };
    if partial_success {
        return format!("it wants more than the {given}: {accepted}; make a user for tunnels that needs one proof");
    }
    // It ended the conversation, or has no other way in than the one that was tried.
    if remaining.is_empty() {
        return format!(
            "user or {given} is wrong, or the host keeps it out (AllowUsers, MaxAuthTries, a ban): {advice}"
        );
    }
    if methods.iter().any(|method| remaining.contains(method)) {
        format!("user or {given} is wrong: {advice} (it accepts: {accepted})")
    } else {
        format!("it takes no {given} (it accepts: {accepted})")
    }
}
