//! The command line, run as its users run it: every command's exit code, what it prints and what it does.

mod basics;
mod control;
mod doctor;
mod long_start;
mod pid_files;
mod place;
mod setup;
mod signal;
mod signals;
mod start;
mod update;
