//! Failures as a record holds them: with all that the decision needs, where the contract's JSON of a
//! report leaves some of it out.

use crate::vocabulary::{Cause, Detail, Facts, Failure, Source, UserAction};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Every field of a [`Failure`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "Failure")]
pub(super) struct Fields {
    cause: Cause,
    source: Option<Source>,
    detail: Detail,
    rule: Option<UserAction>,
    module: Option<String>,
    version: Option<String>,
    host: Option<String>,
    url: Option<String>,
    line: u64,
    evidence: String,
    facts: Facts,
}

#[derive(Serialize, Deserialize)]
struct Whole(#[serde(with = "Fields")] Failure);

pub(super) fn serialize<S: Serializer>(failures: &[Failure], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(failures.iter().cloned().map(Whole))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Failure>, D::Error> {
    Ok(Vec::<Whole>::deserialize(deserializer)?.into_iter().map(|whole| whole.0).collect())
}
