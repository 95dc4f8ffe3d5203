//! What a run writes to its channel, cut and understood as the executor does: nothing panics, nothing larger than the limit is kept,
//! and nothing is believed without the run's nonce.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokio_util::codec::Decoder;

// The daemon is a program and no library; this is the one file of it that reads what user code may have written.
#[allow(dead_code)]
#[path = "../../daemons/code-executor/src/frames.rs"]
mod frames;

const NONCE: &str = "0123456789abcdef0123456789abcdef";
const LIMIT: usize = 4096;

fuzz_target!(|written: &[u8]| {
    let mut codec = frames::codec(LIMIT);
    let mut received = written.into();
    while let Ok(Some(body)) = codec.decode(&mut received) {
        assert!(body.len() <= LIMIT);
        let text = String::from_utf8_lossy(&body);
        match frames::understand(&body, NONCE) {
            Ok(frames::Said::Result(value)) => {
                assert!(text.contains(NONCE));
                // A value that is not too deep is one that can be read.
                if frames::depth(value.get()) <= 64 {
                    serde_json::from_str::<serde_json::Value>(value.get()).expect("what was a value stays one");
                }
            }
            Ok(_) => assert!(text.contains(NONCE)),
            Err(_) => {}
        }
    }
});
