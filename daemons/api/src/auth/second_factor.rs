//! Second factors: secrets that telephones compute codes from, drawn to be scanned, and codes for the day when the telephone is gone.
//!
//! The secret is sealed to workflows-backend, which says whether a code is right: api cannot read it back. What it keeps is which steps and
//! recovery codes were used.

use bulkhead_rpc::backend::{CODES, CodeAnswer, CodeRequest};
use bulkhead_store::identity::User;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use qrcodegen::{QrCode, QrCodeEcc};
use uuid::Uuid;

use super::token::hash;
use crate::http_error::ApiError;
use crate::state::Api;

/// The length that RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
const RECOVERY_CODES: usize = 10;
const RECOVERY_BYTES: usize = 10;
/// Characters of a recovery code without its dashes.
const RECOVERY_CHARACTERS: usize = 16;

/// A new secret, as it is told to a telephone.
#[derive(Debug)]
pub(crate) struct NewFactor {
    /// The secret in base32, to be typed.
    pub(crate) secret: String,
    /// The same as an address that telephones know.
    pub(crate) uri: String,
    /// The address as a QR code: an SVG path of squares of one unit, and how many units it is wide and high.
    pub(crate) drawing: (String, i32),
}

/// What somebody proved a second factor with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Code,
    RecoveryCode,
}

impl Proof {
    /// The word in the audit trail.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::RecoveryCode => "recovery-code",
        }
    }
}

/// Gives somebody a secret, which counts once a code has confirmed it.
pub(crate) async fn begin(api: &Api, user: &User) -> Result<NewFactor, ApiError> {
    let (id, secret) = (Uuid::now_v7(), random::<SECRET_BYTES>()?);
    let sealed = api.seal_second_factor(id, &secret)?;
    api.database.begin_second_factor(id, user.id, &sealed).await?;
    let secret = base32(&secret);
    let host = api.config.base_url.split_once("://").map_or("", |(_, host)| host);
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let (issuer, account) = (encode(&format!("Bulkhead {host}")), encode(&user.email));
    let uri = format!("otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}");
    let drawing = drawn(&uri)?;
    Ok(NewFactor { secret, uri, drawing })
}

/// Confirms what was begun: new recovery codes, which are shown this once. `None` when the code is wrong.
pub(crate) async fn confirm(api: &Api, user: &User, code: &str) -> Result<Option<Vec<String>>, ApiError> {
    let factor = api.database.begun_second_factor(user.id).await?.ok_or(ApiError::AttemptOver)?;
    let Some(step) = step_of(api, factor, &typed(code)).await? else { return Ok(None) };
    let (codes, hashes) = recovery_codes()?;
    api.database.confirm_second_factor(user.id, factor, step, &hashes).await?;
    Ok(Some(codes))
}

/// New recovery codes in place of the old ones.
pub(crate) async fn renew_recovery_codes(api: &Api, user: &User) -> Result<Vec<String>, ApiError> {
    let (codes, hashes) = recovery_codes()?;
    api.database.replace_recovery_codes(user.id, &hashes).await?;
    Ok(codes)
}

/// Whether `text` proves somebody's second factor now. It proves nothing again afterwards.
pub(crate) async fn prove(api: &Api, user: &User, factor: Uuid, text: &str) -> Result<Option<Proof>, ApiError> {
    let text = typed(text);
    if text.len() == RECOVERY_CHARACTERS {
        let used = api.database.use_recovery_code(user.id, &hash(&text)).await?;
        return Ok(used.then_some(Proof::RecoveryCode));
    }
    let Some(step) = step_of(api, factor, &text).await? else { return Ok(None) };
    Ok(api.database.use_second_factor(factor, step).await?.then_some(Proof::Code))
}

async fn step_of(api: &Api, factor: Uuid, code: &str) -> Result<Option<i64>, ApiError> {
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let request = CodeRequest { factor, code: code.to_owned() };
    let CodeAnswer { step } = api.backend.call(Method::POST, CODES, &request).await?;
    Ok(step)
}

/// What was typed, without what makes it easier to read.
fn typed(text: &str) -> String {
    let text = text.chars().take(64).filter(|c| !c.is_whitespace() && *c != '-');
    text.collect::<String>().to_ascii_uppercase()
}

fn recovery_codes() -> Result<(Vec<String>, Vec<Vec<u8>>), ApiError> {
    let codes = (0..RECOVERY_CODES).map(|_| Ok(base32(&random::<RECOVERY_BYTES>()?)));
    let codes: Vec<String> = codes.collect::<Result<_, ApiError>>()?;
    let hashes = codes.iter().map(|code| hash(code).to_vec()).collect();
    let shown = |code: &String| [&code[..4], &code[4..8], &code[8..12], &code[12..]].join("-");
    Ok((codes.iter().map(shown).collect(), hashes))
}

fn random<const N: usize>() -> Result<[u8; N], ApiError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| ApiError::internal("reading random bytes")(error.to_string()))?;
    Ok(bytes)
}

/// RFC 4648, without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = |at: usize| bytes.get(at).copied().unwrap_or_default();
    (0..(bytes.len() * 8).div_ceil(5))
        .map(|group| {
            let (byte, shift) = (group * 5 / 8, group * 5 % 8);
            let two = u16::from_be_bytes([bits(byte), bits(byte + 1)]);
            char::from(ALPHABET[usize::from((two >> (11 - shift)) & 31)])
        })
        .collect()
}

/// A text as a QR code.
fn drawn(text: &str) -> Result<(String, i32), ApiError> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).map_err(ApiError::internal("drawing a QR code"))?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|x| code.get_module(*x, y)).count();
            let width = i32::try_from(run).unwrap_or_default();
            if width > 0 {
                path.push_str(&format!("M{x} {y}h{width}v1h-{width}z"));
            }
            x += width.max(1);
        }
    }
    Ok((path, code.size()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_the_standard() {
        for (plain, encoded) in
            [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("foobar", "MZXW6YTBOI")]
        {
            assert_eq!(base32(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn recovery_codes_are_told_in_groups_and_kept_as_hashes_of_what_is_typed() {
        let (shown, hashes) = recovery_codes().expect("random");
        assert_eq!((shown.len(), hashes.len()), (RECOVERY_CODES, RECOVERY_CODES));
        let entered = typed(&format!(" {} ", shown[3].to_lowercase().replace('-', " ")));
        assert_eq!(entered.len(), RECOVERY_CHARACTERS);
        assert_eq!(hash(&entered).to_vec(), hashes[3]);
    }

    #[test]
    fn a_drawing_has_the_squares_of_the_code() {
        let (path, size) = drawn("otpauth://totp/x").expect("drawn");
        let code = QrCode::encode_text("otpauth://totp/x", QrCodeEcc::Medium).expect("encodes");
        assert_eq!(size, code.size());
        let mut found = vec![vec![false; 100]; 100];
        for square in path.split('M').skip(1) {
            let numbers: Vec<usize> = square.split([' ', 'h', 'v', 'z', '-']).filter_map(|n| n.parse().ok()).collect();
            let [x, y, width, ..] = numbers[..] else { panic!("{square}") };
            found[y][x..x + width].fill(true);
        }
        for (y, x) in (0..size).flat_map(|y| (0..size).map(move |x| (y, x))) {
            let at = |n: i32| usize::try_from(n).expect("small");
            assert_eq!(found[at(y)][at(x)], code.get_module(x, y), "{x} {y}");
        }
    }
}
