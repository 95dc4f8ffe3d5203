//! What is sealed of a resource: its secret, and the private key that belongs to its client certificate. A secret alone is sealed as it is,
//! as it always was.

/// What a sealed text begins with that holds both.
const MARK: &str = "bulkhead-secret-1\n";

/// What was sealed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unpacked<'a> {
    /// The secret.
    pub secret: Option<&'a [u8]>,
    /// The private key, as PEM.
    pub client_key: Option<&'a [u8]>,
}

/// What is to be sealed; nothing where there is nothing.
pub fn pack(secret: Option<&str>, client_key: Option<&str>) -> Option<String> {
    match (secret, client_key) {
        (None, None) => None,
        (Some(secret), None) if !secret.starts_with(MARK) => Some(secret.to_owned()),
        (secret, key) => {
            let (secret, key) = (secret.unwrap_or_default(), key.unwrap_or_default());
            Some(format!("{MARK}{}\n{key}{secret}", key.len()))
        }
    }
}

/// What [`pack`] has packed.
pub fn unpack(sealed: &[u8]) -> Unpacked<'_> {
    let alone = Unpacked { secret: Some(sealed), client_key: None };
    let Some(rest) = sealed.strip_prefix(MARK.as_bytes()) else { return alone };
    let parts = || {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let length = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
        rest[end + 1..].split_at_checked(length)
    };
    let Some((key, secret)) = parts() else { return alone };
    Unpacked { secret: Some(secret).filter(|it| !it.is_empty()), client_key: Some(key).filter(|it| !it.is_empty()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_come_back_and_old_secrets_stay_what_they_were() {
        for (secret, key) in
            [(Some("s3cret"), None), (Some("a\nb"), Some("PEM\n")), (None, Some("PEM")), (Some(MARK), None)]
        {
            let packed = pack(secret, key).expect("something");
            let expected = Unpacked { secret: secret.map(str::as_bytes), client_key: key.map(str::as_bytes) };
            assert_eq!(unpack(packed.as_bytes()), expected);
        }
        assert_eq!((pack(None, None), pack(Some("s3cret"), None).as_deref()), (None, Some("s3cret")));
        let odd = format!("{MARK}99\nshort");
        assert_eq!(unpack(odd.as_bytes()).secret, Some(odd.as_bytes()));
    }
}
