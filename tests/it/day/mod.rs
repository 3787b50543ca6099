//! A day's go commands: each as exact as go, and helped where it needs the network.

mod first;
mod followed;
mod lenient;
mod matrix;
