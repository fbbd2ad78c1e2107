//! What an operator does with the data: backup, restore and export, through the real program.

mod audited;
mod backup;
mod export;
mod program;
