//! No agent takes the server from the others, and no few agents fill a room without end.

mod endless;
mod pace;
