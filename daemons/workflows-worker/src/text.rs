//! Texts with `{{ }}`, once their expressions have values.

use std::collections::BTreeMap;

use bulkhead_model::binding::{Part, Template};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// What may stand in any place of an address as it is.
const IN_ADDRESS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text with the values of its expressions.
pub(crate) fn fill(text: &str, values: &BTreeMap<String, Value>) -> String {
    filled(text, values, |_, value| value)
}

/// An address with the values of its expressions, each encoded unless the address begins with it.
pub(crate) fn fill_address(text: &str, values: &BTreeMap<String, Value>) -> String {
    filled(text.trim(), values, |number, value| match number {
        0 => value,
        _ => utf8_percent_encode(&value, IN_ADDRESS).to_string(),
    })
}

fn filled(text: &str, values: &BTreeMap<String, Value>, place: impl Fn(usize, String) -> String) -> String {
    let Ok(template) = Template::parse(text) else { return text.to_owned() };
    let parts = template.parts.iter().enumerate().map(|(number, part)| match part {
        Part::Text(text) => (*text).to_owned(),
        Part::Expression(expression) => place(number, as_text(values.get(*expression))),
    });
    parts.collect()
}

/// A value in a text: nothing for null, a text as it is, anything else as JSON.
fn as_text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values() -> BTreeMap<String, Value> {
        let values = json!({ "base": "https://a.test/x", "id": "a/b ?&é", "n": 2, "none": null });
        serde_json::from_value(values).expect("a map")
    }

    #[test]
    fn a_text_holds_the_values_of_its_expressions() {
        assert_eq!(fill("{{ n }} of {{ id }}{{ none }}!", &values()), "2 of a/b ?&é!");
    }

    #[test]
    fn a_value_in_an_address_stays_in_its_place() {
        let filled = fill_address("{{ base }}/orders/{{ id }}?n={{ n }}", &values());
        assert_eq!(filled, "https://a.test/x/orders/a%2Fb%20%3F%26%C3%A9?n=2");
        assert_eq!(fill_address("https://h.test/{{ base }}", &values()), "https://h.test/https%3A%2F%2Fa.test%2Fx");
    }
}
