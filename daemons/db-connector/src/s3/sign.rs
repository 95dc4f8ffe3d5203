//! Signature version 4 of Amazon Web Services, for S3: of a request by its headers, and of an address by its query.
//!
//! Source: "Authenticating Requests (AWS Signature Version 4)" in the reference of Amazon S3. The secret never leaves this process; what is
//! sent is a keyed hash over the request, which serves for this request, this day, this region and this service alone.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use zeroize::Zeroizing;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]");
const MOMENT: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// Who signs, for where and when.
pub(super) struct Signer<'a> {
    access_key_id: &'a str,
    secret: &'a [u8],
    region: &'a str,
    day: String,
    /// The moment of signing, as requests carry it.
    pub(super) moment: String,
}

/// What is signed.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    /// Escaped, beginning with `/`.
    pub(super) path: &'a str,
    /// Names and values, not escaped.
    pub(super) query: &'a [(&'a str, String)],
    /// Names in lower case with their values, sorted by name.
    pub(super) headers: &'a [(&'a str, String)],
}

impl<'a> Signer<'a> {
    pub(super) fn new(access_key_id: &'a str, secret: &'a [u8], region: &'a str, at: OffsetDateTime) -> Self {
        // A moment of these years has the formats' fields.
        let day = at.format(DAY).unwrap_or_default();
        let moment = at.format(MOMENT).unwrap_or_default();
        Self { access_key_id, secret, region, day, moment }
    }

    /// The value of a request's `Authorization`. Its headers are all signed, with the hash of its content.
    pub(super) fn authorization(&self, signed: &Signed<'_>, content_hash: &str) -> String {
        let signature = self.signature(signed, content_hash);
        let names = signed.header_names();
        format!(
            "{ALGORITHM} Credential={}/{},SignedHeaders={names},Signature={signature}",
            self.access_key_id,
            self.scope()
        )
    }

    /// The query, escaped, of an address that serves for `expires_s` seconds, whatever content is sent to it.
    pub(super) fn presigned_query(&self, signed: &Signed<'_>, expires_s: u32) -> String {
        let mut query = signed.query.to_vec();
        query.extend([
            ("X-Amz-Algorithm", ALGORITHM.to_owned()),
            ("X-Amz-Credential", format!("{}/{}", self.access_key_id, self.scope())),
            ("X-Amz-Date", self.moment.clone()),
            ("X-Amz-Expires", expires_s.to_string()),
            ("X-Amz-SignedHeaders", signed.header_names()),
        ]);
        let signature = self.signature(&Signed { query: &query, ..*signed }, "UNSIGNED-PAYLOAD");
        format!("{}&X-Amz-Signature={signature}", query_string(&query))
    }

    fn scope(&self) -> String {
        format!("{}/{}/s3/aws4_request", self.day, self.region)
    }

    fn signature(&self, signed: &Signed<'_>, content_hash: &str) -> String {
        let headers = signed.headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim()));
        let canonical = format!(
            "{}\n{}\n{}\n{}\n{}\n{content_hash}",
            signed.method,
            signed.path,
            query_string(signed.query),
            headers.collect::<String>(),
            signed.header_names()
        );
        let text = format!("{ALGORITHM}\n{}\n{}\n{}", self.moment, self.scope(), hash(canonical.as_bytes()));
        let mut key = Zeroizing::new([b"AWS4", self.secret].concat());
        for part in [self.day.as_str(), self.region, "s3", "aws4_request"] {
            key = Zeroizing::new(mac(&key, part.as_bytes()));
        }
        hex::encode(mac(&key, text.as_bytes()))
    }
}

impl Signed<'_> {
    fn header_names(&self) -> String {
        self.headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";")
    }
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// SHA-256 in hexadecimal digits.
pub(super) fn hash(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// A query, escaped and sorted as the signature has it.
pub(super) fn query_string(query: &[(&str, String)]) -> String {
    let mut pairs: Vec<_> = query.iter().map(|(name, value)| (escaped(name, ""), escaped(value, ""))).collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Each byte as `%XX`, but letters, digits, `-`, `.`, `_`, `~` and what is in `kept`.
pub(super) fn escaped(text: &str, kept: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const HOST: &str = "examplebucket.s3.amazonaws.com";
    const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn signer() -> Signer<'static> {
        let secret = b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        Signer::new("AKIAIOSFODNN7EXAMPLE", secret, "us-east-1", datetime!(2013-05-24 0:00 UTC))
    }

    /// The signature of the published examples, whose headers are these beside the ones that all have.
    fn signature(
        method: &str,
        path: &str,
        query: &[(&str, String)],
        more: &[(&'static str, &str)],
        hash: &str,
    ) -> String {
        let mut headers: Vec<(&str, String)> = more.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        headers.extend([
            ("host", HOST.to_owned()),
            ("x-amz-content-sha256", hash.to_owned()),
            ("x-amz-date", signer().moment),
        ]);
        headers.sort();
        let authorization = signer().authorization(&Signed { method, path, query, headers: &headers }, hash);
        authorization.rsplit_once('=').expect("a signature").1.to_owned()
    }

    #[test]
    fn requests_are_signed_as_in_the_published_examples() {
        assert_eq!(
            signature("GET", "/test.txt", &[], &[("range", "bytes=0-9")], NOTHING),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let content = hash(b"Welcome to Amazon S3.");
        let headers = [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];
        assert_eq!(
            signature("PUT", &escaped("/test$file.text", "/"), &[], &headers, &content),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
        assert_eq!(
            signature("GET", "/", &[("lifecycle", String::new())], &[], NOTHING),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
        let query = [("prefix", "J".to_owned()), ("max-keys", "2".to_owned())];
        assert_eq!(
            signature("GET", "/", &query, &[], NOTHING),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
    }

    #[test]
    fn an_address_is_signed_as_in_the_published_example() {
        let headers = [("host", HOST.to_owned())];
        let signed = Signed { method: "GET", path: "/test.txt", query: &[], headers: &headers };
        assert_eq!(
            signer().presigned_query(&signed, 86_400),
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F\
             aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=\
             aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }

    #[test]
    fn every_byte_that_could_mean_something_is_escaped() {
        assert_eq!(escaped("a/b c+d%é\r\n~", "/"), "a/b%20c%2Bd%25%C3%A9%0D%0A~");
        assert_eq!(escaped("a/b", ""), "a%2Fb");
    }
}
