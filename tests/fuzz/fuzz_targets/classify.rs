//! No text panics the classifier, none takes it long, and how a text is cut never matters.
#![no_main]

use gox::fuzzed::{self, Classifier, Rules, Stream, classify, trace};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let rules = Rules::default();
    for stream in [Stream::Stderr, Stream::JsonStdout, Stream::Log] {
        let whole = classify(&rules, stream, text);
        assert_eq!(whole.failures.is_empty(), whole.dominant.is_none());
        let mut classifier = Classifier::new(&rules, stream);
        text.chunks(7).for_each(|chunk| classifier.push(chunk));
        assert_eq!(classifier.finish(), whole);
        let _ = fuzzed::json(&whole);
        assert!(fuzzed::text(&whole).lines().count() <= 10);
    }
    trace::requests(text);
});
