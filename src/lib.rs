//! wardroom
