//! sumdb
