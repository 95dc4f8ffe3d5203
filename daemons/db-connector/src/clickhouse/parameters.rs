//! JSON values as ClickHouse's parameters: a type that the value itself tells, and its text in the form of tab-separated values.
//!
//! The server substitutes a parameter after it has parsed the statement, so no value can be anything but a value.

use serde_json::Value;

use crate::error::QueryError;

/// How deep lists nest at most.
const MAX_DEPTH: usize = 16;

/// A parameter of a statement.
pub(super) struct Parameter {
    pub(super) type_name: String,
    pub(super) text: String,
}

/// The parameter that a value becomes.
pub(super) fn of(expression: &str, value: &Value) -> Result<Parameter, QueryError> {
    let refused = |found| QueryError::ParameterType {
        expression: expression.to_owned(),
        found,
        wanted: "a text, a number, true or false, null, or a list of one kind of them".to_owned(),
    };
    let type_name = Type::of(value, MAX_DEPTH).map_err(refused)?.name(value.is_null());
    let text = match value {
        Value::Null => "\\N".to_owned(),
        Value::String(text) => escaped(text),
        Value::Array(_) => literal(value),
        other => other.to_string(),
    };
    Ok(Parameter { type_name, text })
}

/// What a value is, as far as it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Type {
    /// Null, or nothing at all.
    Nothing,
    Bool,
    Integer,
    /// Beyond `Int64`.
    Unsigned,
    Float,
    Text,
    List {
        of: Box<Self>,
        with_null: bool,
    },
}

impl Type {
    /// The type of a value, or what it is that has none.
    fn of(value: &Value, depth: usize) -> Result<Self, &'static str> {
        Ok(match value {
            Value::Null => Self::Nothing,
            Value::Bool(_) => Self::Bool,
            Value::Number(number) if number.is_i64() => Self::Integer,
            Value::Number(number) if number.is_u64() => Self::Unsigned,
            Value::Number(_) => Self::Float,
            Value::String(_) => Self::Text,
            Value::Object(_) => return Err("an object"),
            Value::Array(items) => {
                let depth = depth.checked_sub(1).ok_or("a list that nests too deep")?;
                let mut of = Self::Nothing;
                for item in items {
                    of = of.and(Self::of(item, depth)?).ok_or("a list of different kinds of values")?;
                }
                Self::List { of: Box::new(of), with_null: items.iter().any(Value::is_null) }
            }
        })
    }

    /// The type that both fit.
    fn and(self, other: Self) -> Option<Self> {
        Some(match (self, other) {
            (Self::Nothing, one) | (one, Self::Nothing) => one,
            (Self::Integer | Self::Unsigned | Self::Float, Self::Float)
            | (Self::Float, Self::Integer | Self::Unsigned) => Self::Float,
            (Self::Integer, Self::Unsigned) | (Self::Unsigned, Self::Integer) => Self::Unsigned,
            (Self::List { of, with_null }, Self::List { of: other, with_null: also }) => {
                Self::List { of: Box::new(of.and(*other)?), with_null: with_null || also }
            }
            (one, other) if one == other => one,
            _ => return None,
        })
    }

    /// Its name. Lists cannot be null.
    fn name(&self, nullable: bool) -> String {
        let name = match self {
            Self::List { of, with_null } => return format!("Array({})", of.name(*with_null)),
            Self::Nothing => "Nothing",
            Self::Bool => "Bool",
            Self::Integer => "Int64",
            Self::Unsigned => "UInt64",
            Self::Float => "Float64",
            Self::Text => "String",
        };
        if nullable { format!("Nullable({name})") } else { name.to_owned() }
    }
}

/// A value within a list.
fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) => format!("'{}'", escaped(text).replace('\'', "\\'")),
        Value::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(value: Value) -> Result<(String, String), String> {
        of("x", &value).map(|made| (made.type_name, made.text)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_value_tells_its_type() {
        for (value, type_name, text) in [
            (json!(null), "Nullable(Nothing)", "\\N"),
            (json!(true), "Bool", "true"),
            (json!(-7), "Int64", "-7"),
            (json!(u64::MAX), "UInt64", "18446744073709551615"),
            (json!(1.5), "Float64", "1.5"),
            (json!("a\tb\n\\N' \0"), "String", "a\\tb\\n\\\\N' \\0"),
            (json!([]), "Array(Nothing)", "[]"),
            (json!([1, 2.5]), "Array(Float64)", "[1,2.5]"),
            (json!([1, u64::MAX]), "Array(UInt64)", "[1,18446744073709551615]"),
            (json!(["it's\n", null]), "Array(Nullable(String))", "['it\\'s\\n',NULL]"),
            (json!([[1], [], [null]]), "Array(Array(Nullable(Int64)))", "[[1],[],[NULL]]"),
            (json!([true, false]), "Array(Bool)", "[true,false]"),
        ] {
            assert_eq!(one(value), Ok((type_name.to_owned(), text.to_owned())));
        }
    }

    #[test]
    fn what_has_no_type_names_its_expression() {
        assert!(one(json!({})).expect_err("refused").contains("`x` is an object"));
        assert!(one(json!([1, "a"])).expect_err("refused").contains("different kinds"));
        let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
        assert!(one(deep).expect_err("refused").contains("too deep"));
    }
}
