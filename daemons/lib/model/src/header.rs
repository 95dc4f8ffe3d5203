//! Which headers of HTTP a person may set.

/// The longest name, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// Headers that belong to a connection and not to a request, and what compression the connector can undo.
const OF_THE_CONNECTION: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Why a header of this name cannot be set, if it cannot.
pub fn name_fault(name: &str) -> Option<&'static str> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(is_token) {
        Some("must be the name of a header, such as X-Request-Id, without a binding")
    } else if OF_THE_CONNECTION.contains(&name.to_ascii_lowercase().as_str()) {
        Some("is a header of the connection, which the connector sets itself: remove it")
    } else {
        None
    }
}

/// Whether this can be the value of a header: one line without control characters.
pub fn is_value(value: &str) -> bool {
    value.len() <= 8192 && value.chars().all(|c| c == '\t' || !c.is_control())
}

/// Why metadata of gRPC of this name cannot be set, if it cannot.
pub fn metadata_fault(name: &str) -> Option<&'static str> {
    let is_of_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(is_of_name) {
        Some("must be lower-case letters, digits, `-`, `_` and `.`, without a binding")
    } else if name.starts_with("grpc-")
        || matches!(name, "content-type" | "user-agent")
        || OF_THE_CONNECTION.contains(&name)
    {
        Some("is of the protocol, which the connector speaks itself: remove it")
    } else {
        None
    }
}

/// Whether this can be metadata of gRPC: one line of ASCII.
pub fn is_metadata(value: &str) -> bool {
    value.len() <= 8192 && value.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_connection_and_what_is_no_name_are_refused() {
        for name in ["Host", "content-length", "Transfer-Encoding", "", "a b", "a:b", "x\r\ny", "{{ x }}", "é"] {
            assert!(name_fault(name).is_some(), "{name}");
        }
        assert_eq!(name_fault("X-Api-Version"), None);
        assert!(is_value("text/html; charset=utf-8") && !is_value("a\r\nb") && !is_value("a\0"));
    }
}
