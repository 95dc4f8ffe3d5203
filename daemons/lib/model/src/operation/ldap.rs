//! A search in a directory.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use super::ldap_filter::{LdapFilter, LdapFormError};
use super::{FillError, TextTemplate, Values};
use crate::Fault;
use crate::binding::{BindingError, Part, Template};

/// Attributes that may be named at most.
const MAX_ATTRIBUTES: usize = 200;

/// A search. It changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LdapSearch {
    /// Distinguished name of the entry where it begins; the resource's when empty. Values are escaped, unless the text is a single
    /// binding: then its value is the name.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub base: TextTemplate,
    /// How far it goes from there.
    #[serde(default)]
    pub scope: LdapScope,
    /// What an entry must be like: `(&(objectClass=person)(uid={{ uid }}))`. A binding stands for a value or a part of one, and is
    /// escaped; whatever it holds, it cannot change the filter.
    #[serde(default = "everything")]
    pub filter: TextTemplate,
    /// Attributes to give; all that are not operational when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// Entries to give at most, where that is less than the limit of rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_limit: Option<u32>,
}

/// How far a search goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LdapScope {
    /// The base alone.
    Base,
    /// What is directly below it.
    One,
    /// The base and all below it.
    #[default]
    Subtree,
}

/// Why a filter has no values to be asked with.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LdapFilterError {
    /// A value is missing.
    #[error(transparent)]
    Fill(#[from] FillError),
    /// It is no filter.
    #[error(transparent)]
    Form(#[from] LdapFormError),
}

fn everything() -> TextTemplate {
    TextTemplate::from("(objectClass=*)")
}

impl LdapSearch {
    /// The base with its values.
    pub fn base(&self, values: &Values) -> Result<String, FillError> {
        self.base.fill_parts(values, in_dn)
    }

    /// The filter with its values.
    pub fn filter(&self, values: &Values) -> Result<LdapFilter, LdapFilterError> {
        LdapFilter::parse(&self.shape().map_err(FillError::from)?)?;
        Ok(LdapFilter::parse(&self.filter.fill_escaped(values, in_filter)?)?)
    }

    /// The filter with a character for each value that can only stand in a value.
    fn shape(&self) -> Result<String, BindingError> {
        let parts = Template::parse(&self.filter.0)?.parts;
        Ok(parts.into_iter().map(|part| if let Part::Text(text) = part { text } else { "\\00" }).collect())
    }

    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        if let Ok(shape) = self.shape()
            && let Err(error) = LdapFilter::parse(&shape)
        {
            faults.push(Fault::new(format!("{path}.filter"), error.to_string()));
        }
        if self.attributes.len() > MAX_ATTRIBUTES {
            faults.push(Fault::new(format!("{path}.attributes"), format!("has more than {MAX_ATTRIBUTES} names")));
        }
        let is_name = |name: &str| {
            matches!(name, "*" | "+")
                || (!name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || b".;-_".contains(&c)))
        };
        for (index, name) in self.attributes.iter().enumerate().filter(|(_, name)| !is_name(name)) {
            let message = format!("must be the name of an attribute, such as mail, and not `{name}`");
            faults.push(Fault::new(format!("{path}.attributes[{index}]"), message));
        }
        if self.size_limit == Some(0) {
            faults.push(Fault::new(format!("{path}.size-limit"), "must be 1 or more"));
        }
    }
}

/// A value in a filter, as RFC 4515 escapes it.
fn in_filter(value: &str) -> String {
    escaped(value, |byte| matches!(byte, b'*' | b'(' | b')' | b'\\') || byte < b' ')
}

/// A value in a distinguished name, as RFC 4514 escapes it: more than must be, which is the same name.
fn in_dn(value: &str) -> String {
    escaped(value, |byte| byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"-_.@".contains(&byte))
}

fn escaped(value: &str, is_special: impl Fn(u8) -> bool) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() && is_special(byte) => text.push_str(&format!("\\{byte:02x}")),
            _ => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn search(document: Value) -> LdapSearch {
        serde_json::from_value(document).unwrap()
    }

    fn values(values: Value) -> Values {
        serde_json::from_value(values).unwrap()
    }

    #[test]
    fn a_value_cannot_change_the_filter() {
        let search = search(json!({ "filter": "(&(uid={{ x }})(cn=a*{{ x }}*))" }));
        let hostile = "*)(objectClass=*))(|(a=\\\0ü";
        let value = hostile.as_bytes().to_vec();
        let expected = LdapFilter::And(vec![
            LdapFilter::Equal("uid".into(), value.clone()),
            LdapFilter::Substrings { attribute: "cn".into(), first: b"a".to_vec(), middle: vec![value], last: vec![] },
        ]);
        assert_eq!(search.filter(&values(json!({ "x": hostile }))), Ok(expected));
        let missing = search.filter(&Values::new());
        assert_eq!(missing, Err(LdapFilterError::Fill(FillError::Missing("x".into()))));
    }

    #[test]
    fn a_binding_that_is_no_value_is_a_fault() {
        for filter in
            ["{{ all }}", "({{ attribute }}=x)", "(a{{ x }}=1)", "(&(a=1){{ more }})", "(a:{{ rule }}:=1)", "(a=1"]
        {
            let search = search(json!({ "filter": filter }));
            let mut faults = Vec::new();
            search.faults("s", &mut faults);
            assert_eq!(faults.len(), 1, "{filter}: {faults:?}");
            assert_eq!(faults[0].path, "s.filter");
            let values = json!({ "all": "(a=1)", "attribute": "a", "x": "x", "more": "(b=2)", "rule": "1.2" });
            assert!(matches!(search.filter(&self::values(values)), Err(LdapFilterError::Form(_))), "{filter}");
        }
    }

    #[test]
    fn a_value_in_a_name_is_escaped_and_a_whole_name_is_not() {
        let values = values(json!({ "ou": "a,dc=x+y \"z\"", "dn": "cn=a,dc=b" }));
        let base = |text: &str| search(json!({ "base": text })).base(&values).unwrap();
        assert_eq!(base("ou={{ ou }},dc=b"), "ou=a\\2cdc\\3dx\\2by\\20\\22z\\22,dc=b");
        assert_eq!(base("{{ dn }}"), "cn=a,dc=b");
    }

    #[test]
    fn an_attribute_has_a_name() {
        let search = search(json!({ "attributes": ["mail", "userCertificate;binary", "1.2.3", "*", "{{ x }}", ""] }));
        let mut faults = Vec::new();
        search.faults("s", &mut faults);
        assert_eq!(
            faults.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(),
            ["s.attributes[4]", "s.attributes[5]"]
        );
    }
}
