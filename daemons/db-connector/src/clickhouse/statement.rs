//! A statement with bindings as one with ClickHouse's own parameters: `{{ id }}` -> `{p1:Int64}` and `param_p1`.

use bulkhead_model::operation::Values;

use super::parameters::{self, Parameter};
use crate::error::QueryError;
use crate::statement::{self, Grammar};

/// A statement ready to send.
pub(super) struct Compiled {
    pub(super) text: String,
    /// The values of `p1`, `p2`, ...
    pub(super) parameters: Vec<String>,
}

/// Replaces each binding by a parameter of the type that its value has.
pub(super) fn compile(statement: &str, values: &Values) -> Result<Compiled, QueryError> {
    let mut parameters = Vec::new();
    let text = statement::compile(statement, Grammar::Clickhouse, |expression| {
        let value = values.get(expression);
        let value = value.ok_or_else(|| QueryError::ParameterMissing(expression.to_owned()))?;
        let Parameter { type_name, text } = parameters::of(expression, value)?;
        parameters.push(text);
        Ok(format!("{{p{}:{type_name}}}", parameters.len()))
    })?;
    Ok(Compiled { text, parameters })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_binding_becomes_a_parameter_of_its_values_type() {
        let values = serde_json::from_value(json!({ "x": 7, "y": ["a", null] })).expect("values");
        let made = compile("select * from t where a = {{ x }} and b in {{y}} or c={{ x }}", &values).expect("compiles");
        assert_eq!(
            made.text,
            "select * from t where a =  {p1:Int64}  and b in  {p2:Array(Nullable(String))}  or c= {p3:Int64} "
        );
        assert_eq!(made.parameters, ["7", "['a',NULL]", "7"]);
        assert!(compile("select {{ z }}", &values).is_err_and(|error| error.to_string().contains('z')));
    }
}
