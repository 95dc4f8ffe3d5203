//! What a block sees: the results of blocks before it and around it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::run::{Iteration, RunError};
use bulkhead_model::workflow::mentions;
use serde_json::{Value, json};

/// A value shown as a block's input is left out above this size, since it is shown as another block's output already.
const MAX_SHOWN_BYTES: usize = 4 * 1024;

/// Where a walk stands: in which round of which loops, and what was bound on the way there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Env {
    pub(crate) iteration: Iteration,
    values: BTreeMap<String, Arc<Value>>,
}

impl Env {
    /// Binds a name; what it meant before is hidden.
    pub(crate) fn bind(&mut self, name: &str, value: Arc<Value>) {
        self.values.insert(name.to_owned(), value);
    }

    /// What a name is bound to.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).map(Arc::as_ref)
    }

    /// The same, in a round of a loop.
    pub(crate) fn in_round(&self, index: u32, item: Value) -> Self {
        let mut round = Self { iteration: self.iteration.round(index), values: self.values.clone() };
        round.bind("item", Arc::new(item));
        round.bind("index", Arc::new(json!(index)));
        round
    }

    /// The same, where a failure has led.
    pub(crate) fn with_error(&self, error: &RunError) -> Self {
        let mut env = self.clone();
        env.bind("error", Arc::new(json!(error)));
        env
    }

    /// The values that these sources mention. Nothing else is sent to the sandbox: results can be large.
    pub(crate) fn mentioned(&self, sources: &[&str]) -> BTreeMap<String, Value> {
        let is_mentioned = |name: &str| sources.iter().any(|source| mentions(source, name));
        let found = self.values.iter().filter(|(name, _)| is_mentioned(name));
        found.map(|(name, value)| (name.clone(), Value::clone(value))).collect()
    }
}

/// What the run's history shows as a block's input: what it mentions, as far as that is short.
pub(crate) fn shown(inputs: &BTreeMap<String, Value>, sources: &[&str]) -> Value {
    let mentioned = inputs.iter().filter(|(name, _)| sources.iter().any(|source| mentions(source, name)));
    let short = mentioned.map(|(name, value)| {
        let bytes = value.to_string().len();
        let value = if bytes <= MAX_SHOWN_BYTES { value.clone() } else { json!(format!("… {bytes} bytes of JSON")) };
        (name.clone(), value)
    });
    Value::Object(short.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_given_what_it_mentions() {
        let mut env = Env::default();
        env.bind("load", Arc::new(json!([1])));
        env.bind("other", Arc::new(json!(2)));
        let env = env.in_round(3, json!("x"));
        assert_eq!(env.iteration, Iteration(vec![3]));
        let inputs = env.mentioned(&["load.length + index"]);
        assert_eq!(json!(inputs), json!({ "load": [1], "index": 3 }));
    }

    #[test]
    fn a_long_input_is_not_shown_again() {
        let inputs = BTreeMap::from([("load".to_owned(), json!("x".repeat(5000))), ("n".to_owned(), json!(1))]);
        assert_eq!(shown(&inputs, &["load + n"]), json!({ "load": "… 5002 bytes of JSON", "n": 1 }));
    }
}
