//! What gox plans for, against what real go asks for.

mod shadow;
mod trees;
