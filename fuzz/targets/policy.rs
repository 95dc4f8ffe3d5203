//! The policy that travels to the stage: whatever is read is written again as the same policy.
#![no_main]

use bulkhead_sandbox::Policy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| {
    if let Ok(policy) = serde_json::from_slice::<Policy>(json) {
        let written = serde_json::to_vec(&policy).expect("a policy is plain data");
        let read: Policy = serde_json::from_slice(&written).expect("what was written can be read");
        assert_eq!(read, policy);
    }
});
