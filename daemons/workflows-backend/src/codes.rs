//! Codes by time (RFC 6238): whether one comes from the secret of a second factor, which is opened here and goes nowhere.

use axum::extract::State;
use axum::{Extension, Json};
use bulkhead_daemon_kit::Peer;
use bulkhead_rpc::backend::{CodeAnswer, CodeRequest};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use time::OffsetDateTime;

use crate::error::BackendError;
use crate::routes::{API, Shared, only};

/// Seconds for which a code is shown.
const STEP_S: i64 = 30;
/// Steps before and after the present one that count too: clocks differ, and people take their time.
const APART: i64 = 1;
const MODULUS: u32 = 1_000_000;

/// Whether a code is right, and of which step it is.
pub(crate) async fn check(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Json(CodeRequest { factor, code }): Json<CodeRequest>,
) -> Result<Json<CodeAnswer>, BackendError> {
    only(&peer, API)?;
    let secret = backend.secrets.of_second_factor(factor).await?;
    let now = OffsetDateTime::now_utc().unix_timestamp() / STEP_S;
    Ok(Json(CodeAnswer { step: step_of(&secret, &code, now) }))
}

/// The newest step about `now` that gives this code. All are computed whichever it is.
fn step_of(secret: &[u8], code: &str, now: i64) -> Option<i64> {
    let well_formed = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
    let entered: u32 = code.parse().ok().filter(|_| well_formed)?;
    let steps = now - APART..=now + APART;
    steps.fold(None, |found, step| if code_at(secret, step) == Some(entered) { Some(step) } else { found })
}

/// The code of a step: HOTP (RFC 4226) with the step as its counter.
fn code_at(secret: &[u8], step: i64) -> Option<u32> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0xf);
    let four: [u8; 4] = digest[offset..offset + 4].try_into().ok()?;
    Some((u32::from_be_bytes(four) & 0x7fff_ffff) % MODULUS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    /// Appendix B of RFC 6238, of which six digits are shown here.
    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, eight_digits) in [
            (59_i64, 94_287_082_u32),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(code_at(SECRET, seconds / STEP_S), Some(eight_digits % MODULUS), "{seconds}");
        }
    }

    #[test]
    fn a_code_counts_for_a_step_before_and_after_and_in_no_other_form() {
        let now = 1_111_111_109 / STEP_S;
        let code = "081804";
        for apart in [-1, 0, 1] {
            assert_eq!(step_of(SECRET, code, now + apart), Some(now), "{apart}");
        }
        assert_eq!(step_of(SECRET, code, now + 2), None);
        assert_eq!(step_of(SECRET, code, now - 2), None);
        for other in ["", "81804", "+81804", "0081804", " 81804", "081804 ", "08180٤", "081805"] {
            assert_eq!(step_of(SECRET, other, now), None, "{other:?}");
        }
    }
}
